package nomad

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

const (
	gcInterval = time.Minute
	gcAge      = time.Hour     // eval_gc_threshold
	jobAge     = 4 * time.Hour // job_gc_threshold

	// keptFolders is how many ended allocations keep their files (gc_max_allocs).
	keptFolders = 50
)

// collect forgets what is over, as Nomad's core jobs do. A service job is only
// forgotten when it was stopped, never for having no instances; a batch job also
// when it has ended.
func (s *Server) collect(ctx context.Context) {
	for pause(ctx, gcInterval) {
		if _, err := s.forget(time.Now().Add(-gcAge), time.Now().Add(-jobAge)); err != nil {
			s.log.Error("garbage not collected", "err", err)
		}
		if err := s.clean(); err != nil {
			s.log.Error("old allocations not removed", "err", err)
		}
	}
}

// clean removes the files of the oldest ended allocations, so that many pushes in
// an hour do not fill the disk. Their rows stay.
func (s *Server) clean() error {
	var over []*state.Alloc
	s.state.View(func(v *state.View) {
		over = slices.DeleteFunc(v.Allocs("*"), func(a *state.Alloc) bool { return !a.ClientTerminal() })
	})
	slices.SortFunc(over, func(a, b *state.Alloc) int { return cmp.Compare(a.ModifyTime, b.ModifyTime) })
	var errs []error
	for _, a := range over[:max(0, len(over)-keptFolders)] {
		errs = append(errs, s.removeFiles(a.ID))
	}
	return errors.Join(errs...)
}

func (s *Server) removeFiles(alloc string) error {
	return errors.Join(os.RemoveAll(s.allocDir(alloc)), os.RemoveAll(s.fetchedDir(alloc)), os.RemoveAll(filepath.Join(s.cfg.Data, "run", alloc)))
}

func (s *Server) systemGC(*http.Request) (any, uint64, error) {
	now := time.Now()
	index, err := s.forget(now, now)
	return nil, index, err
}

func (s *Server) forget(before, jobsBefore time.Time) (uint64, error) {
	var gone []string
	index, err := s.update("AllocationUpdated", func(tx *state.Tx) error {
		for _, row := range tx.Jobs("*") {
			job := row.Current()
			once := *job.Type == nomadapi.JobTypeBatch && !periodic(job)
			if (stopped(job) || once) && *job.Status == "dead" && time.Unix(0, *job.SubmitTime).Before(jobsBefore) {
				tx.DeleteJob(*job.Namespace, *job.ID)
			}
		}
		inUse := map[string]bool{}
		for _, a := range tx.Allocs("*") {
			waits := a.FollowupEvalID != "" && tx.Eval(a.FollowupEvalID) != nil && !ended(tx.Eval(a.FollowupEvalID))
			row := tx.Job(a.Namespace, a.JobID)
			// A failed one that is to run holds its place in the group.
			holds := !a.ServerTerminal() && row != nil && !stopped(row.Current())
			if !a.ClientTerminal() || waits || holds || time.Unix(0, a.ModifyTime).After(before) {
				inUse[a.EvalID] = true
				continue
			}
			gone = append(gone, a.ID)
			tx.DeleteAlloc(a.ID)
		}
		for _, e := range tx.Evals("*") {
			if ended(e) && !inUse[e.ID] && !time.Unix(0, e.ModifyTime).After(before) {
				tx.DeleteEval(e.ID)
			}
		}
		return nil
	})
	errs := []error{err}
	if err == nil {
		for _, id := range gone {
			errs = append(errs, s.removeFiles(id))
		}
	}
	return index, errors.Join(errs...)
}
