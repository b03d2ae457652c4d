package paas_test

import (
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestADeploymentAwaitsSomebodyOnlyWhereItDoesNotGoOnByItself(t *testing.T) {
	t.Parallel()
	manual, timed := []paas.Step{{Manual: true}}, []paas.Step{{Hold: 1}}
	for name, tt := range map[string]struct {
		d    paas.Deployment
		want bool
	}{
		"a canary that is to be promoted":              {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitHold, Steps: manual}, true},
		"paused by a person":                           {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitPause, Steps: timed}, true},
		"failed, and left for somebody to look at":     {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitFailure, Steps: timed}, true},
		"held for a while":                             {paas.Deployment{State: paas.DeploymentRunning, Waits: paas.WaitHold, Steps: timed}, false},
		"held for a while, and a router is silent":     {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitHold, Steps: timed}, false},
		"a router is silent":                           {paas.Deployment{State: paas.DeploymentPaused, Steps: timed}, false},
		"without room":                                 {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitRoom, Steps: timed}, false},
		"without Vault":                                {paas.Deployment{State: paas.DeploymentPaused, Waits: paas.WaitVault, Steps: timed}, false},
		"promoted, and its next step is not begun yet": {paas.Deployment{State: paas.DeploymentRunning, Steps: manual}, false},
	} {
		if got := tt.d.AwaitsSomebody(); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}
