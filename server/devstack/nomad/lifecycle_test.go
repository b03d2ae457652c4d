package nomad_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

// batch is a job that ends.
func batch(id string, command string) *nomadapi.Job {
	j := job(id, 1, command)
	j.Type, j.Update, j.TaskGroups[0].Migrate = new("batch"), nil, nil
	j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{Attempts: new(0), Unlimited: new(false)}
	return j
}

// beside adds a task with a hook.
func beside(j *nomadapi.Job, name, hook string, sidecar bool, command string) {
	t := *job("x", 1, command).TaskGroups[0].Tasks[0]
	t.Name, t.Lifecycle = name, &nomadapi.TaskLifecycle{Hook: hook, Sidecar: sidecar}
	j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, &t)
}

func TestTheStagesOfAGroupFollowOneAnother(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	story := filepath.Join(t.TempDir(), "story")
	say := func(word string) string { return "echo " + word + " >> " + story }
	j := batch("app", say("main")+"; until grep -q after "+story+"; do sleep 0.02; done")
	beside(j, "first", "prestart", false, "sleep 0.1; "+say("first"))
	beside(j, "side", "prestart", true, "trap '"+say("side")+"; exit 0' TERM INT; sleep 1000 & wait")
	beside(j, "after", "poststart", false, say("after"))
	beside(j, "last", "poststop", false, say("last"))
	s.register(t, j)
	s.until(t, "the last has ended", func() bool {
		text, err := os.ReadFile(story)
		return err == nil && strings.HasSuffix(string(text), "last\n")
	})
	text, err := os.ReadFile(story)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("first\nmain\nafter\nside\nlast\n", string(text)); diff != "" {
		t.Error(diff)
	}
	a := s.only(t, "app", "complete")
	if diff := cmp.Diff([]string{"Received", "Task Setup", "Started", "Main Tasks Dead", "Killing", "Terminated", "Killed"}, kinds(a.TaskStates["side"])); diff != "" {
		t.Error(diff)
	}
}

func TestASidecarOutlivesTheStandInAndEndsLast(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, "exec sleep 1000")
	beside(j, "side", "prestart", true, "exec sleep 1000")
	s.register(t, j)
	before := s.running(t, "app", 1)["app.web[0]"]
	s.until(t, "both run", func() bool {
		before = s.running(t, "app", 1)["app.web[0]"]
		return task(before, "web").State == "running" && task(before, "side").State == "running"
	})
	s.stop()
	s.open(t)
	if _, _, err := s.Jobs().Deregister("app", false, nil); err != nil {
		t.Fatal(err)
	}
	a := s.only(t, "app", "complete")
	web, side := a.TaskStates["web"], a.TaskStates["side"]
	if web.Restarts+side.Restarts != 0 || !web.StartedAt.Equal(before.TaskStates["web"].StartedAt) {
		t.Errorf("the tasks were started anew:\n%+v\n%+v", web, side)
	}
	if !web.FinishedAt.Before(side.FinishedAt) {
		t.Errorf("web ended at %s, its sidecar at %s", web.FinishedAt, side.FinishedAt)
	}
}

func TestALaunchThatWasMissedIsMadeUpForOnce(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := batch("cron", "true")
	at := time.Now().UTC().Add(3 * time.Second)
	j.Periodic = &nomadapi.PeriodicConfig{Specs: []string{fmt.Sprintf("%d,%d %d %d %d %d * %d", at.Second(), at.Add(time.Second).Second(), at.Minute(), at.Hour(), at.Day(), at.Month(), at.Year())}}
	s.register(t, j)
	s.stop()
	s.until(t, "its times are past", func() bool { return time.Now().After(at.Add(2 * time.Second)) })
	s.open(t)
	var children []*nomadapi.JobListStub
	s.until(t, "its launch has ended", func() bool {
		list, _, err := s.Jobs().List(&nomadapi.QueryOptions{Prefix: "cron/periodic-"})
		if err != nil {
			t.Fatal(err)
		}
		children = list
		return len(list) > 0 && list[0].Status == "dead"
	})
	if len(children) != 1 || children[0].ParentID != "cron" {
		t.Errorf("got %d launches: %+v", len(children), children[0])
	}
	s.stop()
	s.open(t)
	list, _, err := s.Jobs().List(&nomadapi.QueryOptions{Prefix: "cron/periodic-"})
	if err != nil || len(list) != 1 {
		t.Errorf("after another start there are %d launches: %v", len(list), err)
	}
}

func TestAScriptRunsInItsTaskAndItsFailureRestartsIt(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, "echo ${COLOR} > $NOMAD_ALLOC_DIR/data/color; exec sleep 1000")
	tg := j.TaskGroups[0]
	tg.RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(1), Interval: new(time.Hour), Delay: new(10 * time.Millisecond), Mode: new("fail")}
	tg.ReschedulePolicy = &nomadapi.ReschedulePolicy{Delay: new(time.Hour), MaxDelay: new(time.Hour), DelayFunction: new("constant"), Unlimited: new(true)}
	tg.Tasks[0].Env = map[string]string{"COLOR": "blue"}
	script := `[ -e "$NOMAD_ALLOC_DIR/data/bad" ] && exit 2; echo $COLOR $(cat $NOMAD_ALLOC_DIR/data/color)`
	tg.Services = []*nomadapi.Service{{Name: "app", Provider: "consul", Checks: []nomadapi.ServiceCheck{{
		Name: "inside", Type: "script", TaskName: "web", Command: "/bin/sh", Args: []string{"-c", script}, Interval: time.Second, Timeout: 5 * time.Second,
		CheckRestart: &nomadapi.CheckRestart{Limit: 1, Grace: new(2 * time.Second)},
	}}}}
	s.register(t, j)
	s.until(t, "the check passes with what the task sees", func() bool {
		checks, _, err := s.consul.Health().Checks("app", nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(checks) == 1 && checks[0].Status == consulapi.HealthPassing && checks[0].Output == "blue blue\n"
	})
	a := s.running(t, "app", 1)["app.web[0]"]
	if err := os.WriteFile(filepath.Join(s.cfg.Data, "alloc", a.ID, "alloc", "data", "bad"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ts := s.only(t, "app", "failed").TaskStates["web"]
	want := []string{"Restart Signaled", "Terminated", "Restarting", "Started", "Restart Signaled", "Terminated", "Not Restarting"}
	if diff := cmp.Diff(want, kinds(ts)[3:]); diff != "" || ts.Restarts != 1 {
		t.Errorf("restarts %d\n%s", ts.Restarts, diff)
	}
	if why := ts.Events[3].DisplayMessage; why != `healthcheck: check "inside" unhealthy` {
		t.Errorf("restarted for %q", why)
	}
}
