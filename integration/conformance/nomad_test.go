package conformance_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// job is the job of a row in the form that Crumpet renders: one group, no deployment, fetched program.
func (p *probe) job(count int, args ...string) *nomadapi.Job {
	return &nomadapi.Job{
		ID: new(p.id), Name: new(p.id), Type: new("service"), Datacenters: []string{"*"}, Namespace: new("default"),
		Update: &nomadapi.UpdateStrategy{MaxParallel: new(0)},
		TaskGroups: []*nomadapi.TaskGroup{{
			Name: new("web"), Count: new(count),
			RestartPolicy:    &nomadapi.RestartPolicy{Attempts: new(0), Interval: new(time.Minute), Delay: new(time.Second), Mode: new("fail")},
			ReschedulePolicy: &nomadapi.ReschedulePolicy{Delay: new(time.Hour), MaxDelay: new(time.Hour), DelayFunction: new("constant"), Unlimited: new(true)},
			Migrate: &nomadapi.MigrateStrategy{
				MaxParallel: new(1), HealthCheck: new("task_states"), MinHealthyTime: new(200 * time.Millisecond), HealthyDeadline: new(30 * time.Second),
			},
			Tasks: []*nomadapi.Task{{
				Name: "web", Driver: p.driver, KillTimeout: new(5 * time.Second), KillSignal: "SIGTERM",
				Config:    map[string]any{"command": "local/task", "args": args},
				Resources: &nomadapi.Resources{CPU: new(50), MemoryMB: new(32)},
				Artifacts: []*nomadapi.TaskArtifact{{
					GetterSource: new(artifact.url), RelativeDest: new("local/"),
					GetterOptions: map[string]string{"archive": "tar.gz", "checksum": artifact.digest},
				}},
			}},
		}},
	}
}

// server is a job that listens on a port, registered in Consul with a check. It does not check before it can
// pass, so that the row sees no accident of timing.
func (p *probe) server(count int) *nomadapi.Job {
	j := p.job(count, "serve")
	g := j.TaskGroups[0]
	g.Networks = []*nomadapi.NetworkResource{{Mode: "host", DynamicPorts: []nomadapi.Port{{Label: "http"}}}}
	g.Services = []*nomadapi.Service{{
		Name: p.id, PortLabel: "http", Provider: "consul", AddressMode: "host", Tags: []string{"blue", "second"},
		Checks: []nomadapi.ServiceCheck{{Name: "health", Type: "http", Path: "/health", Interval: time.Second, Timeout: time.Second}},
	}}
	g.Migrate.HealthCheck = new("checks")
	g.Tasks[0].Env = map[string]string{"HOST": "${NOMAD_IP_http}", "PORT": "${NOMAD_PORT_http}"}
	return j
}

func (p *probe) read() *nomadapi.QueryOptions { return (&nomadapi.QueryOptions{}).WithContext(p.ctx) }

func (p *probe) write() *nomadapi.WriteOptions { return (&nomadapi.WriteOptions{}).WithContext(p.ctx) }

// register puts a job at the index it has, and purges it with the row.
func (p *probe) register(j *nomadapi.Job) *nomadapi.JobRegisterResponse {
	index := p.index(*j.ID)
	if index == 0 {
		p.purgeLater(*j.ID, *j.Namespace)
	}
	out, _, err := p.nomad.Jobs().EnforceRegister(j, index, p.write())
	p.check(err)
	return out
}

// purgeLater takes a job away with the row and waits for the end of its tasks: they take memory.
func (p *probe) purgeLater(id, namespace string) {
	p.later(func() {
		_, _, _ = p.nomad.Jobs().Deregister(id, true, (&nomadapi.WriteOptions{Namespace: namespace}).WithContext(p.ctx)) // it may be gone
		for p.ctx.Err() == nil {
			list, _, err := p.nomad.Jobs().Allocations(id, true, (&nomadapi.QueryOptions{Namespace: namespace}).WithContext(p.ctx))
			if err != nil || !slices.ContainsFunc(list, func(a *nomadapi.AllocationListStub) bool {
				return a.ClientStatus == "running" || a.ClientStatus == "pending"
			}) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// index is the modify index of a job, 0 without one.
func (p *probe) index(id string) uint64 {
	j, _, err := p.nomad.Jobs().Info(id, p.read())
	if err != nil && strings.Contains(err.Error(), "404") {
		return 0
	}
	p.check(err)
	return *j.JobModifyIndex
}

// evaluated waits for the end of an evaluation.
func (p *probe) evaluated(id string) *nomadapi.Evaluation {
	var e *nomadapi.Evaluation
	p.until("the evaluation has ended", func() bool {
		var err error
		e, _, err = p.nomad.Evaluations().Info(id, p.read())
		p.check(err)
		return e.Status != "pending"
	})
	return e
}

// allocs are the allocations of a job by name and age.
func (p *probe) allocs() []*nomadapi.AllocationListStub {
	list, _, err := p.nomad.Jobs().Allocations(p.id, true, p.read())
	p.check(err)
	slices.SortFunc(list, func(a, b *nomadapi.AllocationListStub) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.CreateIndex, b.CreateIndex))
	})
	return list
}

// running waits until exactly so many allocations are wanted and run.
func (p *probe) running(count int) []*nomadapi.AllocationListStub {
	return p.wanted(count, func(a *nomadapi.AllocationListStub) bool { return a.ClientStatus == "running" })
}

// wanted waits until exactly so many allocations are wanted, each of them ok.
func (p *probe) wanted(count int, ok func(*nomadapi.AllocationListStub) bool) (found []*nomadapi.AllocationListStub) {
	p.until(fmt.Sprintf("%d allocations are as they should", count), func() bool {
		found = slices.DeleteFunc(p.allocs(), func(a *nomadapi.AllocationListStub) bool { return a.DesiredStatus != "run" })
		return len(found) == count && !slices.ContainsFunc(found, func(a *nomadapi.AllocationListStub) bool { return !ok(a) })
	})
	return found
}

// story tells what happened to the tasks, for a row that waits in vain.
func (p *probe) story() string {
	list, _, err := p.nomad.Jobs().Allocations(p.id, true, nil)
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	for _, a := range list {
		fmt.Fprintf(&out, "%s %s %s %s\n", a.Name, a.DesiredStatus, a.ClientStatus, a.ClientDescription)
		for _, task := range a.TaskStates {
			for _, e := range task.Events {
				fmt.Fprintf(&out, "  %s: %s\n", e.Type, e.DisplayMessage)
			}
		}
	}
	return out.String()
}

// endpoint is the address of an allocation's port.
func (p *probe) endpoint(alloc string) string {
	a, _, err := p.nomad.Allocations().Info(alloc, p.read())
	p.check(err)
	ports := a.AllocatedResources.Shared.Ports
	if len(ports) != 1 {
		p.fatal("allocation has ports %v", ports)
	}
	return fmt.Sprintf("%s:%d", ports[0].HostIP, ports[0].Value)
}

// ask sends a GET to a task, past all recorders.
func (p *probe) ask(address, path string) (status int, body string) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://"+address+path, nil)
	p.check(err)
	resp, err := p.plain.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// facts are what a serving task sees of itself.
func (p *probe) facts(address string) (dir string, args []string, env map[string]string) {
	var body string
	p.until("the task answers", func() bool {
		var status int
		status, body = p.ask(address, "/facts")
		return status == http.StatusOK
	})
	var f struct {
		Dir  string
		Args []string
		Env  []string
	}
	p.check(json.Unmarshal([]byte(body), &f))
	env = map[string]string{}
	for _, kv := range f.Env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return f.Dir, f.Args, env
}

// updates shows those counts of a plan that are not zero.
func updates(u *nomadapi.DesiredUpdates) string {
	if u == nil {
		return "none"
	}
	var out []string
	for _, one := range []struct {
		name  string
		count uint64
	}{
		{"ignore", u.Ignore},
		{"place", u.Place},
		{"migrate", u.Migrate},
		{"stop", u.Stop},
		{"in place", u.InPlaceUpdate},
		{"destructive", u.DestructiveUpdate},
		{"canary", u.Canary},
		{"preemptions", u.Preemptions},
	} {
		if one.count > 0 {
			out = append(out, fmt.Sprintf("%s %d", one.name, one.count))
		}
	}
	return strings.Join(out, ", ")
}

// kinds are the types of a task's events.
func kinds(events []*nomadapi.TaskEvent) string {
	var out []string
	for _, e := range events {
		out = append(out, e.Type)
	}
	return strings.Join(out, ", ")
}
