package watch

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// foldJobs says of each job what could not be placed, by the evaluation that was decided last. A
// job whose evaluations Nomad has forgotten keeps its fact. An evaluation for a failed allocation
// names no index of the job, but saw the job as those decided before it did.
func (f *folding) foldJobs() {
	if f.before.evals == f.in.news.evals && !f.newApps {
		return
	}
	newest, index := map[jobKey]*nomadapi.Evaluation{}, map[jobKey]uint64{}
	for _, e := range f.in.evals {
		ref, slot, ok := owner(e.Namespace, e.JobID)
		if _, known := f.in.apps[ref]; !ok || !known || !decided(e) {
			continue
		}
		key := jobKey{ref, slot}
		if last := newest[key]; last == nil || later(e, last) {
			newest[key] = e
		}
		index[key] = max(index[key], e.JobModifyIndex)
	}
	for key, e := range newest {
		if index[key] == 0 { // the others were forgotten
			index[key] = f.next.jobs[key].Index
		}
		fact := paas.JobFact{
			Team: key.ref.Team, App: key.ref.App, Slot: key.slot,
			Index: index[key],
		}
		if fact.Cause, fact.Blocked = jobspec.Placement(e.FailedTGAllocs, f.in.apps[key.ref].Jobs[key.slot]); fact.Blocked != "" {
			fact.Eval = e.ID
		}
		if f.next.jobs[key] != fact {
			f.next.jobs[key] = fact
			f.obs.Jobs = append(f.obs.Jobs, fact)
		}
	}
	slices.SortFunc(f.obs.Jobs, func(a, b paas.JobFact) int {
		return byClaim(paas.Claim{Team: a.Team, App: a.App, Host: string(a.Slot)}, paas.Claim{Team: b.Team, App: b.App, Host: string(b.Slot)})
	})
}

// decided says that the scheduler has spoken: a blocked evaluation holds what its predecessor could
// not place.
func decided(e *nomadapi.Evaluation) bool {
	return e.Status == nomadapi.EvalStatusComplete || e.Status == nomadapi.EvalStatusBlocked
}

// later orders by decision, not by creation: a blocked evaluation may be older than one that
// failed in the same way, and be the one that places the rest in the end.
func later(a, b *nomadapi.Evaluation) bool {
	if a.ModifyIndex != b.ModifyIndex {
		return a.ModifyIndex > b.ModifyIndex
	}
	return a.CreateIndex > b.CreateIndex
}
