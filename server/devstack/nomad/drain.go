package nomad

import (
	"context"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// drain empties each node that has a drain strategy. Of each group, as many
// instances are told to migrate as its migrate block allows to be missing: those
// that are not yet healthy, and those on their way out, count as missing, on
// whatever node they are. The next ones go when replacements are healthy, or when
// the deadline has passed, as in Nomad (its threshold is count - max_parallel).
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
	forced := map[string]bool{} // by the id of each node that drains
	s.state.View(func(v *state.View) {
		for _, n := range v.Nodes() {
			if n.DrainStrategy == nil {
				continue
			}
			deadline := n.DrainStrategy.ForceDeadline
			forced[n.ID] = n.DrainStrategy.Deadline < 0 || (!deadline.IsZero() && !now.Before(deadline))
			if !forced[n.ID] && !deadline.IsZero() {
				next = min(next, deadline.Sub(now))
			}
		}
	})
	if len(forced) == 0 {
		return next, nil
	}
	_, err = s.update("AllocationUpdateDesiredStatus", func(tx *state.Tx) error {
		groups, remaining := map[string][]*state.Alloc{}, map[string]int{}
		for _, a := range tx.Allocs("*") {
			if !a.ClientTerminal() {
				key := a.Namespace + "/" + a.JobID + "/" + a.TaskGroup
				groups[key] = append(groups[key], a)
				remaining[a.NodeID]++
			}
		}
		for id := range forced {
			if n := tx.Node(id); remaining[id] == 0 && n.DrainStrategy != nil {
				n = withNodeEvent(n, tx.Index(), "Drain", "Node drain complete")
				last := *n.LastDrain
				last.Status, last.UpdatedAt = nomadapi.DrainStatusComplete, now
				n.Drain, n.DrainStrategy, n.LastDrain = false, nil, &last
				tx.PutNode(n)
			}
		}
		for _, allocs := range groups {
			migrate(tx, allocs, forced)
		}
		return nil
	})
	return next, err
}

// migrate marks what of one group may leave its node now.
func migrate(tx *state.Tx, allocs []*state.Alloc, forced map[string]bool) {
	row := tx.Job(allocs[0].Namespace, allocs[0].JobID)
	tg := allocs[0].Group()
	if row != nil && row.Current().LookupTaskGroup(*tg.Name) != nil {
		tg = row.Current().LookupTaskGroup(*tg.Name)
	}
	once := *allocs[0].Job.Type == nomadapi.JobTypeBatch // may end in its own time
	healthy := 0
	var leaving []*state.Alloc // and those that have to
	for _, a := range allocs {
		marked := a.DesiredTransition.Migrate != nil && *a.DesiredTransition.Migrate
		if d := a.DeploymentStatus; !a.ServerTerminal() && !marked && d != nil && d.Healthy != nil {
			healthy++
		}
		must, draining := forced[a.NodeID]
		if draining && !marked && !a.ServerTerminal() && (!once || must) {
			leaving = append(leaving, a)
		}
	}
	parallel := 1
	if tg.Migrate != nil && tg.Migrate.MaxParallel != nil {
		parallel = *tg.Migrate.MaxParallel
	}
	room := healthy - (*tg.Count - parallel)
	marked := false
	for _, a := range leaving {
		if !forced[a.NodeID] && row != nil {
			if room <= 0 {
				continue
			}
			room--
		}
		c := a.Copy()
		c.DesiredTransition.Migrate = new(true)
		c.ModifyIndex = tx.Index()
		tx.PutAlloc(c)
		marked = true
	}
	if marked && row != nil {
		tx.PutEval(newEval(tx, row.Current(), byDrain))
	}
}
