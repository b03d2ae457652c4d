package nomad

import (
	"context"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// drain empties the node while it has a drain strategy. Of each group, as many
// instances are told to migrate as its migrate block allows to be missing: those
// that are not yet healthy, and those on their way out, count as missing. On one
// node nothing takes their place, so the next ones go only when the deadline
// has passed, or when nothing was missing, as Nomad does (its threshold is
// count - max_parallel).
func (s *Server) drain(ctx context.Context) {
	for {
		news := s.state.Changed()
		wait, err := s.drainStep(time.Now())
		if err != nil {
			s.log.Error("drain failed", "err", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Server) drainStep(now time.Time) (next time.Duration, err error) {
	next = time.Hour
	var node *nomadapi.Node
	s.state.View(func(v *state.View) { node = v.Node(s.node) })
	if node.DrainStrategy == nil {
		return next, nil
	}
	deadline := node.DrainStrategy.ForceDeadline
	forced := node.DrainStrategy.Deadline < 0 || (!deadline.IsZero() && !now.Before(deadline))
	if !forced && !deadline.IsZero() {
		next = deadline.Sub(now)
	}
	_, err = s.update("AllocationUpdateDesiredStatus", func(tx *state.Tx) error {
		groups := map[string][]*state.Alloc{}
		remaining := 0
		for _, a := range tx.Allocs("*") {
			if a.ClientTerminal() {
				continue
			}
			remaining++
			once := *a.Job.Type == nomadapi.JobTypeBatch // may end in its own time
			if !a.ServerTerminal() && (!once || forced) {
				key := a.Namespace + "/" + a.JobID + "/" + a.TaskGroup
				groups[key] = append(groups[key], a)
			}
		}
		if remaining == 0 {
			n := withNodeEvent(tx.Node(s.node), tx.Index(), "Drain", "Node drain complete")
			last := *n.LastDrain
			last.Status, last.UpdatedAt = nomadapi.DrainStatusComplete, now
			n.Drain, n.DrainStrategy, n.LastDrain = false, nil, &last
			tx.PutNode(n)
			return nil
		}
		for _, allocs := range groups {
			migrate(tx, allocs, forced)
		}
		return nil
	})
	return next, err
}

// migrate marks what of one group may leave now.
func migrate(tx *state.Tx, allocs []*state.Alloc, forced bool) {
	row := tx.Job(allocs[0].Namespace, allocs[0].JobID)
	tg := allocs[0].Group()
	leave := 0
	if row != nil {
		healthy, parallel := 0, 1
		for _, a := range allocs {
			if d := a.DeploymentStatus; d != nil && d.Healthy != nil && (a.DesiredTransition.Migrate == nil || !*a.DesiredTransition.Migrate) {
				healthy++
			}
		}
		if tg.Migrate != nil && tg.Migrate.MaxParallel != nil {
			parallel = *tg.Migrate.MaxParallel
		}
		leave = healthy - (*tg.Count - parallel)
	}
	if forced || row == nil {
		leave = len(allocs)
	}
	marked := false
	for _, a := range allocs {
		if leave <= 0 {
			break
		}
		if a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate {
			continue
		}
		c := a.Copy()
		c.DesiredTransition.Migrate = new(true)
		c.ModifyIndex = tx.Index()
		tx.PutAlloc(c)
		marked = true
		leave--
	}
	if marked && row != nil {
		tx.PutEval(newEval(tx, row.Current(), byDrain))
	}
}
