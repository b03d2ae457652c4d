package jobspec_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestOnlyTheProgramOfAReleaseChangesItsCrons(t *testing.T) {
	t.Parallel()
	s := full()
	in := rendering(s)
	before := jobspec.Encode(jobspec.CronJob(in, s.Crons[0]))

	in.Slot, in.Counts = paas.Green, nil
	in.Release.Number, in.Release.CreatedBy = 8, "somebody"
	in.Release.CreatedAt = in.Release.CreatedAt.Add(time.Hour)
	in.Release.Spec.Processes[0].Command = nil
	in.Release.Spec.Tasks = nil
	if diff := cmp.Diff(string(before), string(jobspec.Encode(jobspec.CronJob(in, s.Crons[0])))); diff != "" {
		t.Errorf("the next release changes a cron it does not touch:\n%s", diff)
	}
	in.Release.Config = 3
	if string(before) == string(jobspec.Encode(jobspec.CronJob(in, s.Crons[0]))) {
		t.Error("another version of the configuration does not change the cron")
	}
	in.Release.Config, in.Release.Artifact = 0, strings.Repeat("c3", 32)
	if string(before) == string(jobspec.Encode(jobspec.CronJob(in, s.Crons[0]))) {
		t.Error("another artifact does not change the cron")
	}
}

func TestTasksSeeTheirApp(t *testing.T) {
	t.Parallel()
	s := full()
	s.Environment = "staging"
	in := rendering(s)
	job := jobspec.TaskJob(in, s.Tasks[0], paas.SideJob{App: "shop", Kind: paas.JobRun, Name: "x1"})
	if *job.ID != "shop.run.x1" || *job.TaskGroups[0].Name != "migrate" {
		t.Errorf("job %s has the group %s", *job.ID, *job.TaskGroups[0].Name)
	}
	want := map[string]string{
		"SHARED": "s", "OWN": "1", "CRUMPET_APP": "shop", "CRUMPET_TEAM": "default", "CRUMPET_PROCESS": "migrate",
		"CRUMPET_ARTIFACT": "a1a1a1a1a1a1", "CRUMPET_URL": "http://shop.example.com:9999/", "CRUMPET_ENVIRONMENT": "staging",
	}
	if diff := cmp.Diff(want, job.TaskGroups[0].Tasks[0].Env); diff != "" {
		t.Error(diff)
	}
}

// All attempts of a program that runs once fall into one interval of Nomad's restart policy, or it
// would be started again without end.
func TestAttemptsCountOverTheWholeLife(t *testing.T) {
	t.Parallel()
	s := full()
	for _, timeout := range []time.Duration{time.Second, time.Minute, 26 * time.Hour} {
		s.Tasks[0].Timeout, s.Tasks[0].Attempts = timeout, 40
		g := jobspec.TaskJob(rendering(s), s.Tasks[0], paas.SideJob{}).TaskGroups[0]
		life := timeout + 40*(*g.RestartPolicy.Delay)
		if *g.RestartPolicy.Interval < life || *g.RestartPolicy.Attempts != 40 || *g.MaxRunDuration != timeout {
			t.Errorf("timeout %s: %d attempts within %s", timeout, *g.RestartPolicy.Attempts, *g.RestartPolicy.Interval)
		}
	}
}

// A sidecar is started again however often it ends: so many restarts as the policy allows don't fit
// its interval.
func TestASidecarAlwaysComesBack(t *testing.T) {
	t.Parallel()
	s := full()
	for _, delay := range []time.Duration{0, time.Second, 7 * time.Second, time.Hour} {
		s.Processes[0].Restart.Delay = delay
		p := jobspec.Job(rendering(s)).TaskGroups[0].Tasks[1].RestartPolicy
		if *p.Mode != "delay" || *p.Attempts < 1 || time.Duration(*p.Attempts+1)*(*p.Delay) <= *p.Interval {
			t.Errorf("delay %s: %d restarts after %s fit into %s", delay, *p.Attempts, *p.Delay, *p.Interval)
		}
		if time.Duration(*p.Attempts)*(*p.Delay) > *p.Interval {
			t.Errorf("delay %s: Nomad refuses %d restarts after %s within %s", delay, *p.Attempts, *p.Delay, *p.Interval)
		}
	}
}
