package deploy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestARunOnDemandRunsOnceAndIsForgottenAnHourAfter(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(withTasks("hi", task("seed", paas.PhaseManual)), "a"))
	run, err := c.deployer().Once(t.Context(), paas.RunRequest{Ref: shop, Name: "seed", Args: []string{"--n", "${HOME} 'x'"}, By: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if run.State != paas.RunPending || !strings.HasPrefix(run.Job, "shop.run.") {
		t.Errorf("asked for, the run is %+v", run)
	}
	c.reaches(run.Job)
	c.set(func() {
		args := c.jobs[run.Job].TaskGroups[0].Tasks[0].Config["args"]
		if diff := cmp.Diff([]any{"--n", "$${HOME} 'x'"}, args); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
	})
	c.until("the run is seen to be complete", func() (paas.Deployment, bool) {
		snap := c.snapshot()
		return paas.Deployment{}, snap.Sides[run.Job].Seen(snap.Runs).State == paas.RunComplete
	})
	c.ahead.Add(int64(61 * time.Minute))
	c.deployer().Wake(shop)
	c.until("it was taken out of Nomad", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.snapshot().Sides) == 0 })
	if runs := c.snapshot().Runs; len(runs) != 1 {
		t.Errorf("its run is not remembered: %v", runs)
	}
	_, err = c.deployer().Once(t.Context(), paas.RunRequest{Ref: shop, Name: "sed", By: "ann"})
	if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), `has no task or cron "sed"; it has seed`) {
		t.Errorf("a task that is not there: %v", err)
	}
}

func TestARunIsStoppedOnDemandAtItsTimeoutAndWithTheApp(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(withTasks("hi", task("seed", paas.PhaseManual)), "a"))
	c.set(func() { c.side.lasting = true })
	begin := func() string {
		t.Helper()
		had := len(c.registered())
		run, err := c.deployer().Once(t.Context(), paas.RunRequest{Ref: shop, Name: "seed", By: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		c.until("it runs", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.registered()) > had })
		c.until("it is seen to run", func() (paas.Deployment, bool) {
			return paas.Deployment{}, slices.ContainsFunc(c.snapshot().Runs, func(r paas.Run) bool { return r.Job == run.Job })
		})
		return run.Job
	}
	stopped := func(job, why string, failed bool) {
		t.Helper()
		c.stands()
		if row := c.snapshot().Sides[job]; row.Stop != why || row.Failed != failed {
			t.Errorf("it was stopped because %q (failed: %v), want %q", row.Stop, row.Failed, why)
		}
	}
	job := begin()
	if err := c.deployer().EndRun(t.Context(), shop, job, "bob"); err != nil {
		t.Fatal(err)
	}
	stopped(job, "stopped by bob", false)
	job = begin()
	c.ahead.Add(int64(2 * time.Minute))
	c.deployer().Wake(shop)
	stopped(job, "seed did not end within its timeout of 1m0s", true)
	job = begin()
	if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	stopped(job, "the app was stopped", false)
	if err := c.deployer().Destroy(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("the app is gone", func() (paas.Deployment, bool) {
		_, err := c.store.Snapshot(t.Context(), shop)
		return paas.Deployment{}, paas.CodeOf(err) == paas.NotFound
	})
	c.set(func() {
		if !slices.Contains(c.side.purged, job) {
			t.Errorf("jobs %v were purged with the app, want %s among them", c.side.purged, job)
		}
	})
}

func TestAPushThatStartsAStoppedAppRunsItsTasks(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.gone()
	c.set(func() { c.side.lasting = true })
	result, err := c.deployer().Deploy(t.Context(), request(withTasks("ho", task("migrate", paas.PhaseBefore)), "b"))
	if err != nil {
		t.Fatal(err)
	}
	c.reaches("shop.task.migrate.2")
	c.deployer().Wake(shop)
	c.finish("shop.task.migrate.2", 0)
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		t.Errorf("the deployment ended as %s: %s", d.State, d.Reason)
	}
}

func TestACommandRunsOnceAsAProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(withTasks("hi", task("seed", paas.PhaseManual)), "a"))
	run, err := c.deployer().Once(t.Context(), paas.RunRequest{Ref: shop, Command: []string{"./shop", "check", "secret"}, By: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	c.reaches(run.Job)
	c.set(func() {
		task := c.jobs[run.Job].TaskGroups[0].Tasks[0]
		if diff := cmp.Diff([]any{"check", "secret"}, task.Config["args"]); diff != "" || task.Name != "web" {
			t.Errorf("task %s, arguments (-want +got):\n%s", task.Name, diff)
		}
	})
	for name, r := range map[string]paas.RunRequest{
		`has no process "db" to run the command as; it has web`: {Name: "db", Command: []string{"ls"}},
		`has no task or cron "web"; it has seed`:                {Name: "web", Args: []string{"ls"}},
		"The command has 200 arguments, and may have 199":       {Command: make([]string, paas.MaxExecArgs+1)},
	} {
		r.Ref, r.By = shop, "ann"
		if len(r.Command) > 1 {
			r.Command[0] = "ls"
		}
		if _, err := c.deployer().Once(t.Context(), r); paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), name) {
			t.Errorf("want %q, got %v", name, err)
		}
	}
}
