package jobspec

import (
	"cmp"
	"reflect"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// restartInterval is the least time within which restarts are counted.
const restartInterval = 10 * time.Minute

// restart lets a task be started Attempts times again in its place. The interval is so long that
// the attempts of an instance that never gets well all fall into one, and it is then placed anew.
func restart(p paas.Process) *nomadapi.RestartPolicy {
	r := p.Restart
	life := time.Duration(r.Attempts+1) * (r.Delay + p.Startup)
	return &nomadapi.RestartPolicy{
		Attempts: new(r.Attempts),
		Delay:    new(r.Delay),
		Interval: new(max(restartInterval, life)),
		Mode:     new(nomadapi.RestartPolicyModeFail),
	}
}

// comeBack starts a sidecar again whenever it ends: an instance is not given up for a program beside
// its own. Nomad counts restarts in any mode, but so many as are allowed here don't fit the interval.
func comeBack(p paas.Process) *nomadapi.RestartPolicy {
	delay := max(p.Restart.Delay, time.Second)
	return &nomadapi.RestartPolicy{
		Attempts: new(int(max(1, restartInterval/delay))),
		Delay:    new(delay),
		Interval: new(max(restartInterval, delay)),
		Mode:     new(nomadapi.RestartPolicyModeDelay),
	}
}

// again is the restart policy of a program that runs once: its attempts count over its whole life,
// which the timeout ends.
func again(attempts int, timeout time.Duration) *nomadapi.RestartPolicy {
	life := timeout + time.Duration(attempts)*paas.DefaultRestartDelay
	return &nomadapi.RestartPolicy{
		Attempts: new(attempts),
		Delay:    new(paas.DefaultRestartDelay),
		Interval: new(max(restartInterval, life)),
		Mode:     new(nomadapi.RestartPolicyModeFail),
	}
}

// reschedule never gives up, and waits minutes at most: Nomad's default ceiling is an hour. A release
// from before the key existed has no delays.
func reschedule(p paas.Process) *nomadapi.ReschedulePolicy {
	delay := cmp.Or(p.Reschedule.Delay, paas.DefaultReschedule)
	return &nomadapi.ReschedulePolicy{
		Attempts:      new(0),
		Interval:      new(time.Duration(0)),
		Delay:         new(delay),
		DelayFunction: new("exponential"),
		MaxDelay:      new(max(delay, cmp.Or(p.Reschedule.MaxDelay, paas.DefaultMaxReschedule))),
		Unlimited:     new(true),
	}
}

// silence is for how long a node may be silent and what runs there still goes on when it is back.
const silence = 24 * time.Hour

// disconnect is for nodes that go silent: their instances are placed anew elsewhere, and when the node is back these go and
// the first ones, which were served from all the while, stay. Without it Nomad ends whatever runs on a node that comes
// back: after a cut between its servers and all nodes every instance of every app at once.
func disconnect() *nomadapi.DisconnectStrategy {
	return &nomadapi.DisconnectStrategy{LostAfter: new(silence), Replace: new(true), Reconcile: new(nomadapi.ReconcileOptionKeepOriginal)}
}

// anySilence says that a group has what every group has for silent nodes, and no app asked for.
func anySilence(g *nomadapi.TaskGroup) bool {
	return reflect.DeepEqual(g.Disconnect, disconnect())
}

// formerSilence says that an app gives by Nomad's keys of before 1.8 what is to happen on silent nodes.
func formerSilence(g *nomadapi.TaskGroup) bool {
	//nolint:staticcheck // an app may write them as long as Nomad takes them
	return g.MaxClientDisconnect != nil || g.StopAfterClientDisconnect != nil || g.PreventRescheduleOnLost != nil
}

// never is the reschedule policy of a program that runs once. Nomad fills what is not set with its
// defaults, but looks at none of it.
func never() *nomadapi.ReschedulePolicy {
	return &nomadapi.ReschedulePolicy{Attempts: new(0), Interval: new(time.Duration(0)), Unlimited: new(false)}
}

// migrate is for drains, which wait for the health that Nomad only tracks with this block.
func migrate(p paas.Process) *nomadapi.MigrateStrategy {
	by := "task_states"
	if p.Checked() {
		by = "checks"
	}
	return &nomadapi.MigrateStrategy{
		MaxParallel:     new(1),
		HealthCheck:     new(by),
		MinHealthyTime:  new(p.HealthyAfter()),
		HealthyDeadline: new(max(p.Startup, p.HealthyAfter()+time.Second)),
	}
}
