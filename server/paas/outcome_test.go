package paas_test

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	at := func(release int, state paas.DeploymentState, second int) paas.Ending {
		return paas.Ending{Release: release, State: state, At: time.Unix(int64(second), 0)}
	}
	list := []paas.Ending{
		at(1, paas.DeploymentHealthy, 1), at(1, paas.DeploymentReverted, 9), // a restart of it failed later
		at(2, paas.DeploymentReverted, 2), at(2, paas.DeploymentCanceled, 3),
		at(3, paas.DeploymentFailed, 4),
		at(4, paas.DeploymentHealthy, 5),
		at(5, paas.DeploymentReverted, 6), at(5, paas.DeploymentPaused, 7),
	}
	for number, want := range map[int]paas.Outcome{
		1: paas.OutcomeHealthy, 2: paas.OutcomeCanceled, 3: paas.OutcomeFailed, 4: paas.OutcomeLive, 5: paas.OutcomeDeploying, 6: "",
	} {
		if got := paas.OutcomeOf(number, 4, list); got != want {
			t.Errorf("release %d: %q, want %q", number, got, want)
		}
	}
	if got := paas.OutcomeOf(0, 0, nil); got != "" {
		t.Errorf("without a release: %q", got)
	}
}
