package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// side is what the cluster knows of batch jobs.
type side struct {
	registered []string            // ids, in order; a text registered again stands twice
	purged     []string            // ids
	runs       map[string]paas.Run // by job
	lasting    bool                // tasks run until they are ended
	exit       map[string]int      // exit codes by task; 0 unless said
	refuse     string              // why no batch job is taken; "" if they are
}

func (s side) of(ref paas.AppRef) []paas.Run {
	var some []paas.Run
	for _, r := range s.runs {
		if r.Ref() == ref {
			some = append(some, r)
		}
	}
	return some
}

func renderSide(rel paas.Release, row paas.Side, bindings []paas.Binding) ([]byte, error) {
	in := jobspec.Input{Release: rel, Driver: "exec", Bindings: bindings, Vault: mounts}
	if row.Kind == paas.JobCron {
		c, _ := rel.Spec.Cron(row.Name)
		return jobspec.Encode(jobspec.CronJob(in, c)), nil
	}
	t, _ := rel.Spec.Once(row.Name)
	for _, arg := range row.Args {
		t.Command = append(slices.Clone(t.Command), paas.Literal(arg))
	}
	id, _ := paas.ParseSideJob(row.Job)
	return jobspec.Encode(jobspec.TaskJob(in, t, id)), nil
}

// runSide runs a batch job at once; a periodic one waits for its time, which never comes.
func (c *cluster) runSide(team string, job *nomadapi.Job, _ uint64) (app string) {
	id, ok := paas.ParseSideJob(*job.ID)
	if !ok {
		c.t.Errorf("job %q is neither of a slot nor beside one", *job.ID)
	}
	c.side.registered = append(c.side.registered, *job.ID)
	if job.Periodic != nil {
		return id.App
	}
	if c.side.runs == nil {
		c.side.runs = map[string]paas.Run{}
	}
	now := c.clock()
	name := *job.TaskGroups[0].Name
	c.serial++
	r := paas.Run{
		ID: fmt.Sprintf("run-%d", c.serial), Team: team, App: id.App, Job: *job.ID, Kind: id.Kind, Name: name,
		State: paas.RunRunning, CreatedAt: now, StartedAt: &now,
	}
	if !c.side.lasting {
		r = ended(r, c.side.exit[name], now)
	}
	c.side.runs[*job.ID] = r
	return id.App
}

func ended(r paas.Run, exit int, at time.Time) paas.Run {
	r.State, r.ExitCode, r.EndedAt = paas.RunComplete, exit, &at
	if exit != 0 {
		r.State, r.Reason = paas.RunFailed, fmt.Sprintf("%s exited with code %d", r.Name, exit)
	}
	return r
}

func (c *cluster) endSide(team, id string, purge bool) {
	if purge {
		c.side.purged = append(c.side.purged, id)
	}
	r, ok := c.side.runs[id]
	if ok && !r.State.Ended() {
		at := c.clock()
		r.State, r.EndedAt = paas.RunKilled, &at
		c.side.runs[id] = r
		c.look(paas.AppRef{Team: team, App: r.App})
	}
}

// finish ends a running task.
func (c *cluster) finish(job string, exit int) {
	c.t.Helper()
	c.set(func() { c.side.runs[job] = ended(c.side.runs[job], exit, c.clock()) })
	c.look(shop)
}

func (c *cluster) registered() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.side.registered)
}

// reaches waits until the batch jobs that were ever registered are these.
func (c *cluster) reaches(want ...string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%v were registered", want), func() (paas.Deployment, bool) {
		return paas.Deployment{Reason: strings.Join(c.registered(), " ")}, slices.Equal(c.registered(), want)
	})
}

func (c *cluster) snapshot() paas.Snapshot {
	c.t.Helper()
	snap, err := c.store.Snapshot(c.t.Context(), shop)
	if err != nil {
		c.t.Fatal(err)
	}
	return snap
}

func (c *cluster) standing() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.jobs)), func(id string) bool {
		_, ok := paas.ParseSideJob(id)
		return !ok || stopped(c.jobs[id])
	})
}

func stopped(job *nomadapi.Job) bool { return job.Stop != nil && *job.Stop }

func (c *cluster) stands(want ...string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%v stand", want), func() (paas.Deployment, bool) {
		return paas.Deployment{Reason: strings.Join(c.standing(), " ")}, slices.Equal(c.standing(), want)
	})
}

func task(name string, phase paas.Phase) paas.Task {
	return paas.Task{Name: name, Phase: phase, Timeout: time.Minute, Program: paas.Program{Command: []paas.Value{paas.Literal("./" + name)}, Memory: 64}}
}

func withTasks(greeting string, tasks ...paas.Task) paas.Spec {
	s := spec(2, greeting)
	s.Tasks = tasks
	return s
}

func withCron(greeting, schedule string) paas.Spec {
	s := spec(2, greeting)
	s.Crons = []paas.Cron{{Name: "report", Schedule: schedule, Timeout: time.Minute, Program: paas.Program{Command: []paas.Value{paas.Literal("./report")}, Memory: 64}}}
	return s
}

func TestTasksOfTheFirstPhaseRunOneAfterTheOtherBeforeAnyInstance(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.set(func() { c.side.lasting = true })
	result, err := c.deployer().Deploy(t.Context(), request(withTasks("hi", task("migrate", paas.PhaseBefore), task("warm", paas.PhaseAfter), task("seed", paas.PhaseBefore)), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.reaches("shop.task.migrate.1")
	if n := c.counts(); len(n) > 0 {
		t.Errorf("instances %v were registered before migrate was complete", n)
	}
	c.finish("shop.task.migrate.1", 0)
	c.reaches("shop.task.migrate.1", "shop.task.seed.1")
	if n := c.counts(); len(n) > 0 {
		t.Errorf("instances %v were registered before seed was complete", n)
	}
	c.finish("shop.task.seed.1", 0)
	c.reaches("shop.task.migrate.1", "shop.task.seed.1", "shop.task.warm.1")
	if n := c.counts()["blue"]; n != 2 {
		t.Errorf("%d instances serve when the task of the last phase begins, want 2", n)
	}
	c.finish("shop.task.warm.1", 0)
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy || d.Reason != "" {
		t.Errorf("the deployment ended as %s (%s), want healthy", d.State, d.Reason)
	}
	if _, err := c.deployer().Restart(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("the restart ended", func() (paas.Deployment, bool) {
		snap := c.snapshot()
		return paas.Deployment{}, snap.App.Live == paas.Green && len(snap.Deployments) == 0
	})
	if got := c.registered(); len(got) != 3 {
		t.Errorf("a restart ran tasks again: %v", got)
	}
}

func TestAFailedTaskOfTheFirstPhaseEndsTheDeploymentBeforeItBegan(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	before := c.counts()
	c.set(func() { c.side.exit = map[string]int{"migrate": 3} })
	d := c.push(request(withTasks("ho", task("migrate", paas.PhaseBefore)), "b"))
	want := "task migrate failed: migrate exited with code 3; `crumpet logs shop --process migrate` shows its last lines"
	if d.State != paas.DeploymentReverted || d.Reason != want {
		t.Errorf("the deployment ended as %s: %s\nwant reverted: %s", d.State, d.Reason, want)
	}
	if diff := cmp.Diff(before, c.counts()); diff != "" {
		t.Errorf("instances changed (-before +after):\n%s", diff)
	}
	c.set(func() { c.side.exit = nil })
	if d := c.push(request(withTasks("ho", task("migrate", paas.PhaseBefore)), "b")); d.State != paas.DeploymentHealthy {
		t.Errorf("pushed again it ended as %s: %s", d.State, d.Reason)
	}
	if diff := cmp.Diff([]string{"shop.task.migrate.2", "shop.task.migrate.3"}, c.registered()); diff != "" {
		t.Errorf("registered (-want +got):\n%s", diff)
	}
}

func TestAFailedTaskOfTheLastPhaseTurnsTheWalkBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() { c.side.exit = map[string]int{"check": 1} })
	d := c.push(request(withTasks("ho", task("check", paas.PhaseAfter)), "b"))
	if d.State != paas.DeploymentReverted || !strings.HasPrefix(d.Reason, "task check failed: check exited with code 1") {
		t.Errorf("the deployment ended as %s: %s", d.State, d.Reason)
	}
	c.until("two instances are left, in blue", func() (paas.Deployment, bool) {
		n := c.counts()
		return paas.Deployment{}, n["blue"] == 2 && n["green"] == 0
	})
}

func TestAServerThatIsKilledAnywhereRunsATaskOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.set(func() { c.side.lasting = true })
	stop := c.boot()
	result, err := c.deployer().Deploy(t.Context(), request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.reaches("shop.task.migrate.1")
	stop()
	// As if it had been killed between the register and the note of it.
	snap := c.snapshot()
	row := snap.Sides["shop.task.migrate.1"]
	row.Index, row.Stands = 0, false
	if err := c.store.Save(t.Context(), 0, paas.Change{Ref: shop, Version: snap.Version, Sides: []paas.Side{row}}); err != nil {
		t.Fatal(err)
	}
	c.boot()
	c.finish("shop.task.migrate.1", 0)
	if d := c.ended(result.Deployment.ID); d.State != paas.DeploymentHealthy {
		t.Errorf("the deployment ended as %s: %s", d.State, d.Reason)
	}
	c.reaches("shop.task.migrate.1")
	if row := c.snapshot().Sides["shop.task.migrate.1"]; row.Index == 0 || !row.Stands {
		t.Errorf("the task's row does not know its job: %+v", row)
	}
}

func TestAJobThatNomadRefusesSaysSo(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.set(func() { c.side.refuse = "Nomad does not accept it: no such zone." })
	if d := c.push(request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a")); d.State != paas.DeploymentFailed || d.Reason != "task migrate failed: "+c.side.refuse {
		t.Errorf("the deployment ended as %s: %s", d.State, d.Reason)
	}
	c.push(request(withCron("hi", "@daily"), "b"))
	c.until("the cron is seen to be refused", func() (paas.Deployment, bool) {
		return paas.Deployment{}, c.snapshot().Sides["shop.cron.report"].Refused == c.side.refuse
	})
	c.set(func() { c.side.refuse = "" })
	c.ahead.Add(int64(time.Minute))
	c.deployer().Wake(shop)
	c.stands("shop.cron.report")
	c.until("it is refused no more", func() (paas.Deployment, bool) {
		row := c.snapshot().Sides["shop.cron.report"]
		return paas.Deployment{}, row.Stands && row.Refused == ""
	})
}

func TestACronThatSomebodyRemovedComesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(withCron("hi", "@daily"), "a"))
	c.stands("shop.cron.report")
	c.set(func() { delete(c.jobs, "shop.cron.report") })
	c.ahead.Add(int64(time.Minute))
	c.deployer().Wake(shop)
	c.stands("shop.cron.report")
	events, err := c.store.Events(t.Context(), paas.EventFilter{Kinds: []paas.EventKind{paas.EventDrift}})
	if err != nil || len(events) != 1 || !strings.Contains(events[0].Message, "shop.cron.report") {
		t.Errorf("drift is told as %v, %v", events, err)
	}
}

func TestATaskOfACanceledDeploymentIsStopped(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.set(func() { c.side.lasting = true })
	result, err := c.deployer().Deploy(t.Context(), request(withTasks("hi", task("migrate", paas.PhaseBefore)), "a"))
	if err != nil {
		t.Fatal(err)
	}
	c.reaches("shop.task.migrate.1")
	if err := c.deployer().Abort(t.Context(), shop, result.Deployment.ID, "ann"); err != nil {
		t.Fatal(err)
	}
	c.stands()
	if row := c.snapshot().Sides["shop.task.migrate.1"]; row.Stop != "its deployment has ended" {
		t.Errorf("the task was stopped because %q", row.Stop)
	}
}

func TestCronsAreThoseOfTheLiveRelease(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(withCron("hi", "@daily"), "a"))
	c.stands("shop.cron.report")
	c.set(func() { c.sick = func(string) string { return "it is bad" } })
	c.push(request(withCron("ho", "@hourly"), "b")) // turns back
	c.set(func() { c.sick = func(string) string { return "" } })
	if got := c.registered(); len(got) != 1 {
		t.Errorf("a release that turned back registered its cron: %v", got)
	}
	c.push(request(withCron("ho", "@hourly"), "c"))
	c.reaches("shop.cron.report", "shop.cron.report")
	c.set(func() {
		if got := c.jobs["shop.cron.report"].Periodic.Specs[0]; got != "@hourly" {
			t.Errorf("the cron stands with schedule %s, want @hourly", got)
		}
	})
	if err := c.deployer().Stop(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.stands()
	if _, err := c.deployer().Start(t.Context(), shop, "ann"); err != nil {
		t.Fatal(err)
	}
	c.stands("shop.cron.report")
	c.until("the app has started", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.snapshot().Deployments) == 0 })
	c.push(request(spec(2, "no cron"), "d"))
	c.stands()
	c.until("no row of it is left", func() (paas.Deployment, bool) { return paas.Deployment{}, len(c.snapshot().Sides) == 0 })
}
