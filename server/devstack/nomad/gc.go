package nomad

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

const (
	gcInterval = 5 * time.Minute
	gcAge      = time.Hour // eval_gc_threshold
	jobAge     = 4 * time.Hour
)

// collect forgets what is over, as Nomad's core jobs do. A service job is only
// forgotten when it was stopped, never for having no instances.
func (s *Server) collect(ctx context.Context) {
	for pause(ctx, gcInterval) {
		if _, err := s.forget(time.Now().Add(-gcAge), time.Now().Add(-jobAge)); err != nil {
			s.log.Error("garbage not collected", "err", err)
		}
	}
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
			if stopped(job) && *job.Status == "dead" && time.Unix(0, *job.SubmitTime).Before(jobsBefore) {
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
			errs = append(errs, os.RemoveAll(s.allocDir(id)), os.RemoveAll(filepath.Join(s.cfg.Data, "run", id)))
		}
	}
	return index, errors.Join(errs...)
}
