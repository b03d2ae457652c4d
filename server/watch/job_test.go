package watch_test

import (
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

func TestTheEvaluationDecidedLastSpeaksForTheJob(t *testing.T) {
	t.Parallel()
	short := map[string]*nomadapi.AllocationMetric{"web": {NodesEvaluated: 1, NodesExhausted: 1, DimensionExhausted: map[string]int{"memory": 1}}}
	eval := func(status string, job, create, modify uint64, failed map[string]*nomadapi.AllocationMetric) *nomadapi.Evaluation {
		return &nomadapi.Evaluation{
			Namespace: "acme", JobID: "shop.blue", Type: "service", Status: status,
			JobModifyIndex: job, CreateIndex: create, ModifyIndex: modify, FailedTGAllocs: failed,
		}
	}
	tests := []struct {
		name    string
		evals   []*nomadapi.Evaluation
		index   uint64
		blocked bool
	}{
		{"all placed", []*nomadapi.Evaluation{eval("complete", 50, 51, 52, nil)}, 50, false},
		{"some not placed", []*nomadapi.Evaluation{eval("complete", 50, 51, 53, short), eval("blocked", 50, 52, 52, short)}, 50, true},
		{
			"an older blocked one places the rest",
			[]*nomadapi.Evaluation{eval("complete", 50, 51, 53, short), eval("complete", 50, 60, 61, short), eval("complete", 50, 52, 70, nil)},
			50, false,
		},
		{
			"the wish is withdrawn",
			[]*nomadapi.Evaluation{eval("complete", 50, 51, 53, short), eval("canceled", 50, 52, 62, short), eval("complete", 60, 61, 61, nil)},
			60, false,
		},
		{"one that has not been decided", []*nomadapi.Evaluation{eval("complete", 50, 51, 53, short), eval("pending", 60, 61, 61, nil)}, 50, true},
		{"one for a failed allocation names no index", []*nomadapi.Evaluation{eval("complete", 50, 51, 53, nil), eval("complete", 0, 61, 62, nil)}, 50, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(100)
			f.at(after(0), watch.Seen{Evaluations: &watch.Evaluations{Index: 99, List: tt.evals}})
			facts := f.all[len(f.all)-1].Jobs
			if len(facts) != 1 || facts[0].Index != tt.index || (facts[0].Blocked != "") != tt.blocked || facts[0].Slot != paas.Blue {
				t.Errorf("facts = %+v, want index %d, blocked %t", facts, tt.index, tt.blocked)
			}
		})
	}
}
