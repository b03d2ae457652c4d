package deploy_test

import (
	"strings"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		update        nomadapi.DesiredUpdates
		before, after int
		want          string // "" lets it pass
	}{
		"more instances":                         {nomadapi.DesiredUpdates{Ignore: 2, Place: 1}, 2, 3, ""},
		"fewer instances":                        {nomadapi.DesiredUpdates{Ignore: 1, Stop: 1}, 2, 1, ""},
		"tags only":                              {nomadapi.DesiredUpdates{InPlaceUpdate: 2}, 2, 2, ""},
		"a dead instance is replaced on the way": {nomadapi.DesiredUpdates{Ignore: 1, Place: 2}, 2, 3, ""},
		"a destructive update":                   {nomadapi.DesiredUpdates{DestructiveUpdate: 2, Place: 1}, 2, 3, "replace 2 serving instances"},
		"one destructive update among others":    {nomadapi.DesiredUpdates{Ignore: 4, DestructiveUpdate: 1}, 5, 5, "replace 1 serving"},
		"a migration":                            {nomadapi.DesiredUpdates{Migrate: 1, Place: 1}, 2, 3, "migrate 1"},
		"a preemption":                           {nomadapi.DesiredUpdates{Ignore: 2, Place: 1, Preemptions: 1}, 2, 3, "preempt"},
		"more stopped than wanted":               {nomadapi.DesiredUpdates{Stop: 2}, 3, 2, "stop 2 instances of web where 1"},
		"all, one of them on a silent node":      {nomadapi.DesiredUpdates{Stop: 3}, 2, 0, ""},
		"some stopped though none were to go":    {nomadapi.DesiredUpdates{Stop: 1, Place: 1}, 2, 2, "stop 1 instances of web where 0"},
	}
	for name, tt := range tests {
		plan := &nomadapi.JobPlanResponse{Annotations: &nomadapi.PlanAnnotations{DesiredTGUpdates: map[string]*nomadapi.DesiredUpdates{"web": &tt.update}}}
		got := deploy.Guard(plan, map[string]int{"web": tt.before}, map[string]int{"web": tt.after})
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if deploy.Guard(&nomadapi.JobPlanResponse{}, nil, nil) == "" {
		t.Error("a plan that says nothing was let pass")
	}
}
