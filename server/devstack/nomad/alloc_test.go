package nomad_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
)

// task is what is known of a task: nothing until the client has told of it.
func task(a *nomadapi.AllocationListStub, name string) *nomadapi.TaskState {
	if ts := a.TaskStates[name]; ts != nil {
		return ts
	}
	return &nomadapi.TaskState{}
}

func kinds(ts *nomadapi.TaskState) (out []string) {
	for _, e := range ts.Events {
		out = append(out, e.Type)
	}
	return out
}

// only is the one allocation of a job with a client status.
func (s *stack) only(t *testing.T, id, status string) *nomadapi.AllocationListStub {
	t.Helper()
	var found *nomadapi.AllocationListStub
	s.until(t, id+" is "+status, func() bool {
		list, _, err := s.Jobs().Allocations(id, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.ClientStatus == status {
				found = a
				return true
			}
		}
		return false
	})
	return found
}

func TestATaskThatExitsIsRestartedAndThenFails(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, "exit 3")
	j.TaskGroups[0].RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(1), Interval: new(time.Hour), Delay: new(10 * time.Millisecond), Mode: new("fail")}
	j.TaskGroups[0].Migrate.MinHealthyTime = new(time.Hour) // it never lives that long
	j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{Delay: new(time.Hour), MaxDelay: new(time.Hour), DelayFunction: new("constant"), Unlimited: new(true)}
	s.register(t, j)
	a := s.only(t, "app", "failed")
	ts := a.TaskStates["web"]
	want := []string{"Received", "Task Setup", "Started", "Terminated", "Restarting", "Started", "Terminated", "Not Restarting"}
	if diff := cmp.Diff(want, kinds(ts)); diff != "" {
		t.Error(diff)
	}
	if e := ts.Events[3]; e.DisplayMessage != "Exit Code: 3" || e.Details["exit_code"] != "3" || e.ExitCode != 3 {
		t.Errorf("got %+v", e)
	}
	if e := ts.Events[7]; e.DisplayMessage != `Exceeded allowed attempts 1 in interval 1h0m0s and mode is "fail"` {
		t.Errorf("got %+v", e)
	}
	if ts.State != "dead" || !ts.Failed || ts.Restarts != 1 || a.ClientDescription != "Failed tasks" || *a.DeploymentStatus.Healthy {
		t.Errorf("got %+v", a)
	}
	s.until(t, "a reschedule is planned", func() bool { return s.only(t, "app", "failed").FollowupEvalID != "" })
	e, _, err := s.Evaluations().Info(s.only(t, "app", "failed").FollowupEvalID, nil)
	if err != nil || e.Status != "pending" || e.TriggeredBy != "alloc-reschedule" || e.WaitUntil.Before(time.Now().Add(time.Minute)) {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestAFailedInstanceIsReplaced(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	// The first instance leaves a mark and fails, its replacement goes on.
	mark := filepath.Join(t.TempDir(), "mark")
	j := job("app", 1, "[ -e "+mark+" ] && exec sleep 1000; touch "+mark+"; exit 1")
	j.TaskGroups[0].ReschedulePolicy = &nomadapi.ReschedulePolicy{Delay: new(5 * time.Second), DelayFunction: new("constant"), MaxDelay: new(time.Hour), Unlimited: new(true)}
	s.register(t, j)
	old := s.only(t, "app", "failed")
	s.until(t, "another runs", func() bool {
		a := s.allocs(t, "app")["app.web[0]"]
		return a.ID != old.ID && a.ClientStatus == "running"
	})
	now := s.allocs(t, "app")["app.web[0]"]
	old = s.only(t, "app", "failed")
	if old.NextAllocation != now.ID || old.DesiredStatus != "stop" || now.Name != old.Name {
		t.Errorf("%+v\n%+v", old, now)
	}
	if tracker := now.RescheduleTracker; tracker == nil || tracker.Events[0].PrevAllocID != old.ID {
		t.Errorf("tracker %+v", tracker)
	}
}

func TestAProgramThatIsNotThereFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, "")
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"command": "/nope"}
	j.TaskGroups[0].RestartPolicy.Attempts = new(5)
	s.register(t, j)
	ts := s.only(t, "app", "failed").TaskStates["web"]
	if diff := cmp.Diff([]string{"Received", "Task Setup", "Driver Failure", "Not Restarting"}, kinds(ts)); diff != "" {
		t.Error(diff)
	}
	if got := ts.Events[2].DisplayMessage; !strings.Contains(got, `binary "/nope" could not be found`) {
		t.Errorf("got %s", got)
	}
}

func TestATaskWorksWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("plain", 1, "pwd; "+forever))
	told := job("told", 1, "pwd; "+forever)
	told.TaskGroups[0].Tasks[0].Config["work_dir"] = "${NOMAD_TASK_DIR}"
	s.register(t, told)
	unknown := job("unknown", 1, "echo ${nope}")
	s.register(t, unknown)
	for id, want := range map[string]string{"plain": "/web\n", "told": "/web/local\n"} {
		a := s.running(t, id, 1)[id+".web[0]"]
		s.until(t, "it says where", func() bool { return strings.HasSuffix(s.log(t, a.ID), want) })
	}
	ts := s.only(t, "unknown", "failed").TaskStates["web"]
	if diff := cmp.Diff([]string{"Received", "Task Setup", "Failed Validation", "Not Restarting"}, kinds(ts)); diff != "" {
		t.Error(diff)
	}
}

// server is a job that serves, with a check in Consul.
func server(id string, count int) *nomadapi.Job {
	j := job(id, count, "")
	tg := j.TaskGroups[0]
	tg.Networks = []*nomadapi.NetworkResource{{Mode: "host", DynamicPorts: []nomadapi.Port{{Label: "http"}}}}
	tg.Services = []*nomadapi.Service{{
		Name: id, PortLabel: "http", Provider: "consul", Tags: []string{"v1"},
		Checks: []nomadapi.ServiceCheck{{Name: "up", Type: "http", Path: "/", Interval: time.Second, Timeout: time.Second}},
	}}
	tg.Tasks[0].Config = map[string]any{"command": os.Args[0], "args": []string{"serve", "${NOMAD_ADDR_http}"}}
	return j
}

// ports keeps the ports of this test's stand-ins apart from those of others on
// the machine.
func ports(low int) func(*nomad.Config) {
	return func(c *nomad.Config) { c.DynamicPortMin, c.DynamicPortMax = low, low+200 }
}

func (s *stack) passing(t *testing.T, service string) []*consulapi.ServiceEntry {
	t.Helper()
	entries, _, err := s.consul.Health().Service(service, "", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestAServiceLivesInConsulAsLongAsItsInstance(t *testing.T) {
	t.Parallel()
	s := start(t, ports(20100))
	j := server("web", 1)
	j.TaskGroups[0].ShutdownDelay = new(300 * time.Millisecond)
	s.register(t, j)
	s.until(t, "it passes", func() bool { return len(s.passing(t, "web")) == 1 })
	stub := s.running(t, "web", 1)["web.web[0]"]
	a, _, err := s.Allocations().Info(stub.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	entry := s.passing(t, "web")[0].Service
	port := a.AllocatedResources.Shared.Ports[0]
	if entry.ID != "_nomad-task-"+a.ID+"-group-web-web-http" || entry.Port != port.Value || entry.Address != port.HostIP {
		t.Errorf("got %+v for %+v", entry, port)
	}
	s.until(t, "it is healthy", func() bool {
		d := s.running(t, "web", 1)["web.web[0]"].DeploymentStatus
		return d != nil && *d.Healthy
	})

	j = server("web", 1)
	j.TaskGroups[0].ShutdownDelay = new(300 * time.Millisecond)
	j.TaskGroups[0].Services[0].Tags = []string{"v2"}
	s.register(t, j)
	s.until(t, "the tag has changed", func() bool {
		now := s.passing(t, "web")
		return len(now) == 1 && slices.Equal(now[0].Service.Tags, []string{"v2"}) && now[0].Service.ID == entry.ID
	})

	if err := s.consul.Agent().ServiceDeregister(entry.ID); err != nil {
		t.Fatal(err)
	}
	s.until(t, "what Consul lost is back", func() bool { return len(s.passing(t, "web")) == 1 })

	stopping := server("web", 0)
	s.register(t, stopping)
	s.until(t, "it has left Consul", func() bool {
		services, err := s.consul.Agent().Services()
		return err == nil && len(services) == 0
	})
	// Only after shutdown_delay is the process told to stop.
	s.until(t, "it has ended", func() bool {
		a, _, err := s.Allocations().Info(stub.ID, nil)
		return err == nil && a.ClientStatus == "complete"
	})
	last, _, err := s.Allocations().Info(stub.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(last.TaskStates["web"]); !slices.Equal(got[len(got)-3:], []string{"Killing", "Terminated", "Killed"}) {
		t.Errorf("got %v", got)
	}
}

func TestAProcessIsAskedBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	polite := job("polite", 1, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
	polite.TaskGroups[0].Tasks[0].KillSignal = "SIGTERM"
	stubborn := job("stubborn", 1, "trap '' INT; echo up; while :; do sleep 0.05; done")
	stubborn.TaskGroups[0].Tasks[0].KillTimeout = new(100 * time.Millisecond)
	for _, j := range []*nomadapi.Job{polite, stubborn} {
		s.register(t, j)
		a := s.running(t, *j.ID, 1)[*j.ID+".web[0]"]
		s.until(t, "it is up", func() bool { return strings.Contains(s.log(t, a.ID), "up") })
		if _, _, err := s.Jobs().Deregister(*j.ID, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	if a := s.only(t, "polite", "complete"); !strings.Contains(s.log(t, a.ID), "bye") {
		t.Error("it was not asked")
	}
	events := s.only(t, "stubborn", "complete").TaskStates["web"].Events
	if got := events[len(events)-2]; got.Signal != 9 || got.ExitCode != 137 {
		t.Errorf("got %+v", got)
	}
}

func (s *stack) log(t *testing.T, id string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.cfg.Data, "alloc", id, "alloc/logs/web.stdout.0"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTasksOutliveTheStandIn(t *testing.T) {
	t.Parallel()
	s := start(t, ports(20400))
	s.register(t, server("web", 1))
	s.register(t, job("app", 1, "echo pid=$$; "+forever))
	s.register(t, job("ends", 1, "while [ ! -e ../go ]; do sleep 0.05; done; exit 4"))
	before := s.running(t, "app", 1)["app.web[0]"]
	ends := s.running(t, "ends", 1)["ends.web[0]"]
	s.until(t, "it passes", func() bool { return len(s.passing(t, "web")) == 1 })
	s.until(t, "the pid is written", func() bool { return strings.HasPrefix(s.log(t, before.ID), "pid=") })
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(s.log(t, before.ID), "pid=")))
	if err != nil {
		t.Fatal(err)
	}

	s.stop()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the task ended with the stand-in: %v", err)
	}
	if len(s.passing(t, "web")) != 1 {
		t.Error("the service was taken out of Consul")
	}
	if err := os.WriteFile(filepath.Join(s.cfg.Data, "alloc", ends.ID, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.open(t)

	after := s.running(t, "app", 1)["app.web[0]"]
	if after.ID != before.ID || after.TaskStates["web"].Restarts != 0 || len(after.TaskStates["web"].Events) != len(before.TaskStates["web"].Events) {
		t.Errorf("not adopted: %v", kinds(after.TaskStates["web"]))
	}
	events := s.only(t, "ends", "failed").TaskStates["web"].Events
	if got := events[len(events)-2]; got.Type != "Terminated" || got.ExitCode != 4 {
		t.Errorf("an exit that happened meanwhile: %+v", got)
	}
	if _, _, err := s.Jobs().Deregister("app", false, nil); err != nil {
		t.Fatal(err)
	}
	s.until(t, "the adopted task is stopped", func() bool { return syscall.Kill(pid, 0) != nil })
}

func TestAnInstanceIsRestartedStoppedAndSignalled(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, "trap 'echo received' USR1; echo up; while :; do sleep 0.05; done"))
	stub := s.running(t, "app", 1)["app.web[0]"]
	s.until(t, "it is up", func() bool { return s.log(t, stub.ID) != "" })
	a := &nomadapi.Allocation{ID: stub.ID}
	if err := s.Allocations().Signal(a, nil, "web", "SIGUSR1"); err != nil {
		t.Fatal(err)
	}
	s.until(t, "it got the signal", func() bool { return strings.Contains(s.log(t, stub.ID), "received") })
	if err := s.Allocations().Restart(a, "web", nil); err != nil {
		t.Fatal(err)
	}
	s.until(t, "it runs again", func() bool {
		now := s.allocs(t, "app")["app.web[0]"]
		return now.ID == stub.ID && now.ClientStatus == "running" && now.TaskStates["web"].Restarts == 1
	})
	if err := s.Allocations().Restart(a, "nope", nil); err == nil || !strings.Contains(err.Error(), "Could not find task runner") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Allocations().Stop(a, nil); err != nil {
		t.Fatal(err)
	}
	s.until(t, "another took its place", func() bool {
		now := s.allocs(t, "app")["app.web[0]"]
		return now != nil && now.ID != stub.ID && now.ClientStatus == "running"
	})
	if _, err := s.Allocations().Stop(&nomadapi.Allocation{ID: "11111111-1111-1111-1111-111111111111"}, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}

func TestTemplatesReachTheTask(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, `echo "$GREETING $(cat local/name)"; `+forever)
	j.TaskGroups[0].Tasks[0].Templates = []*nomadapi.Template{
		{EmbeddedTmpl: new("GREETING=hello"), DestPath: new("secrets/env"), Envvars: new(true)},
		{EmbeddedTmpl: new(`{{ env "NOMAD_JOB_ID" }}`), DestPath: new("${NOMAD_TASK_DIR}/name")},
	}
	s.register(t, j)
	a := s.running(t, "app", 1)["app.web[0]"]
	s.until(t, "it greets", func() bool { return s.log(t, a.ID) == "hello app\n" })
}

func TestADrainEmptiesTheNode(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, forever))
	s.until(t, "it is healthy", func() bool {
		d := s.running(t, "app", 1)["app.web[0]"].DeploymentStatus
		return d != nil && *d.Healthy
	})
	nodes, _, err := s.Nodes().List(nil)
	if err != nil || len(nodes) != 1 || nodes[0].Status != "ready" || !nodes[0].Drivers["exec"].Healthy {
		t.Fatalf("got %+v, %v", nodes, err)
	}
	id := nodes[0].ID
	if _, err := s.Nodes().UpdateDrain(id, &nomadapi.DrainSpec{Deadline: time.Hour}, false, nil); err != nil {
		t.Fatal(err)
	}
	s.until(t, "the drain is complete", func() bool {
		n, _, err := s.Nodes().Info(id, nil)
		return err == nil && !n.Drain && n.LastDrain != nil && n.LastDrain.Status == "complete" && n.SchedulingEligibility == "ineligible"
	})
	if got := s.only(t, "app", "complete"); got.DesiredDescription != "alloc is being migrated" {
		t.Errorf("got %s", got.DesiredDescription)
	}
	if _, err := s.Nodes().ToggleEligibility(id, true, nil); err != nil {
		t.Fatal(err)
	}
	s.running(t, "app", 1)
}
