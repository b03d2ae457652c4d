package nomad_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/consul"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
)

// TestMain is the shim and the sample task too, when the tests start themselves.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "executor" {
		os.Exit(nomad.Executor(os.Args[2:], os.Stdin, os.Stdout))
	}
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		os.Exit(serve(os.Args[2]))
	}
	os.Exit(m.Run())
}

// stack is a stand-in with its official client, and a Consul beside it.
type stack struct {
	*nomadapi.Client
	consul *consulapi.Client
	cfg    nomad.Config
	stop   func()   // ends Run; the tasks live on
	kills  []func() // of further clients
	addr   string
}

func start(t *testing.T, edit func(*nomad.Config)) *stack {
	t.Helper()
	catalog, err := consul.Open(consul.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	consulServer := httptest.NewServer(catalog)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = catalog.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		consulServer.CloseClientConnections()
		consulServer.Close()
	})
	client, err := consulapi.NewClient(&consulapi.Config{Address: consulServer.URL})
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{consul: client, cfg: nomad.Config{
		Data: t.TempDir(), Name: "node-1", ConsulAddr: consulServer.URL, Advertise: "127.0.0.1:4646",
		Executor: []string{os.Args[0], "executor"}, MemoryMB: 1000, CPU: 10000,
	}}
	if edit != nil {
		edit(&s.cfg)
	}
	s.open(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// open starts the stand-in on the stack's folder.
func (s *stack) open(t *testing.T) {
	t.Helper()
	server, err := nomad.Open(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	httpServer := httptest.NewServer(server)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			httpServer.CloseClientConnections()
			httpServer.Close()
		})
	}
	s.addr = httpServer.URL
	if s.Client, err = nomadapi.NewClient(&nomadapi.Config{Address: httpServer.URL}); err != nil {
		t.Fatal(err)
	}
}

// kill ends all jobs and waits until nothing runs, so that no test leaves a
// process behind.
func (s *stack) kill(t *testing.T) {
	t.Helper()
	jobs, _, err := s.Jobs().List(&nomadapi.QueryOptions{Namespace: "*"})
	if err != nil {
		t.Error(err)
	}
	for _, j := range jobs {
		if _, _, err := s.Jobs().Deregister(j.ID, false, &nomadapi.WriteOptions{Namespace: j.Namespace}); err != nil {
			t.Error(err)
		}
	}
	s.until(t, "nothing runs", func() bool {
		allocs, _, err := s.Allocations().List(&nomadapi.QueryOptions{Namespace: "*"})
		if err != nil {
			return false
		}
		for _, a := range allocs {
			if a.ClientStatus == "running" || a.ClientStatus == "pending" {
				return false
			}
		}
		return true
	})
	for _, kill := range s.kills { // not before: they end their tasks
		kill()
	}
	s.stop()
}

// until waits for a condition. The limit is only there to end a broken test.
func (s *stack) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain: %s\n%s", what, s.story(t))
}

// story is what a failed test shows.
func (s *stack) story(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	allocs, _, err := s.Allocations().List(&nomadapi.QueryOptions{Namespace: "*"})
	if err != nil {
		return err.Error()
	}
	for _, a := range allocs {
		out.WriteString(a.Name + " " + a.ID + " " + a.DesiredStatus + " " + a.ClientStatus + "\n")
		for name, ts := range a.TaskStates {
			for _, e := range ts.Events {
				out.WriteString("  " + name + ": " + e.Type + ": " + e.DisplayMessage + "\n")
			}
		}
	}
	evals, _, err := s.Evaluations().List(&nomadapi.QueryOptions{Namespace: "*"})
	if err != nil {
		return err.Error()
	}
	for _, e := range evals {
		out.WriteString(e.JobID + " " + e.TriggeredBy + " " + e.Status + " " + e.StatusDescription + "\n")
		for group, m := range e.FailedTGAllocs {
			fmt.Fprintf(&out, "  %s: %+v\n", group, *m)
		}
	}
	return out.String()
}

// job is one group "web" with one task "web", which runs a shell command.
func job(id string, count int, command string) *nomadapi.Job {
	return &nomadapi.Job{
		ID: &id, Name: &id, Type: new("service"), Datacenters: []string{"*"},
		Update: &nomadapi.UpdateStrategy{MaxParallel: new(0)},
		TaskGroups: []*nomadapi.TaskGroup{{
			Name: new("web"), Count: &count,
			RestartPolicy: &nomadapi.RestartPolicy{Attempts: new(0), Interval: new(time.Minute), Delay: new(time.Second), Mode: new("fail")},
			Migrate: &nomadapi.MigrateStrategy{
				MaxParallel: new(1), HealthCheck: new("checks"), MinHealthyTime: new(100 * time.Millisecond), HealthyDeadline: new(time.Minute),
			},
			Tasks: []*nomadapi.Task{{
				Name: "web", Driver: "raw_exec", KillTimeout: new(10 * time.Second),
				Config:    map[string]any{"command": "/bin/sh", "args": []string{"-c", command}},
				Resources: &nomadapi.Resources{CPU: new(100), MemoryMB: new(100)},
			}},
		}},
	}
}

func (s *stack) register(t *testing.T, j *nomadapi.Job) *nomadapi.JobRegisterResponse {
	t.Helper()
	out, _, err := s.Jobs().Register(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// allocs of a job that are wanted, by name.
func (s *stack) allocs(t *testing.T, id string) map[string]*nomadapi.AllocationListStub {
	t.Helper()
	list, _, err := s.Jobs().Allocations(id, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*nomadapi.AllocationListStub{}
	for _, a := range list {
		if a.DesiredStatus == "run" {
			out[a.Name] = a
		}
	}
	return out
}

// running waits until so many instances of a job run, and no others.
func (s *stack) running(t *testing.T, id string, count int) map[string]*nomadapi.AllocationListStub {
	t.Helper()
	var out map[string]*nomadapi.AllocationListStub
	s.until(t, id+" runs", func() bool {
		out = s.allocs(t, id)
		for _, a := range out {
			if a.ClientStatus != "running" {
				return false
			}
		}
		return len(out) == count
	})
	return out
}
