package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

var nomadProgramRows = []row{
	{
		name:  "Nomad: a task is stopped by its own signal",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want:  `SIGHUP: stop complete, Exit Code: 7`,
		run: func(p *probe) {
			job := func(count int) *nomadapi.Job {
				j := p.job(count, "trap", "SIGHUP", "7")
				j.TaskGroups[0].Tasks[0].KillSignal = "SIGHUP"
				return j
			}
			p.register(job(1))
			a := p.running(1)[0]
			p.until("it waits for the signal", func() bool { return p.text(a.ID, "stdout", 100) != "" })
			p.register(job(0))
			a = p.ended()
			p.say("SIGHUP: %s %s, %s", a.DesiredStatus, a.ClientStatus, p.message(a, nomadapi.TaskTerminated))
		},
	},
	{
		name:  "Nomad: logs are kept in files of a size, and only so many",
		calls: []string{"nomad GET /v1/client/fs/ls/:id?path", "nomad GET /v1/job/:id/allocations?all"},
		want:  `two files true, of 1 MiB at most true, the first ones gone true`,
		run: func(p *probe) {
			j := p.batch(1, "flood", "5")
			j.TaskGroups[0].Tasks[0].LogConfig = &nomadapi.LogConfig{MaxFiles: new(2), MaxFileSizeMB: new(1)}
			p.register(j)
			a := p.ended()
			var sizes []int64
			var names []string
			p.until("the log is whole", func() bool {
				sizes, names = nil, nil
				for _, dir := range []string{"alloc/logs", "web/logs"} {
					files, _, err := p.nomad.AllocFS().List(&nomadapi.Allocation{ID: a.ID, NodeID: a.NodeID}, dir, p.read())
					if err != nil {
						continue // where logs are is each one's own affair
					}
					for _, f := range files {
						if strings.HasPrefix(f.Name, "web.stdout.") {
							sizes, names = append(sizes, f.Size), append(names, f.Name)
						}
					}
				}
				return len(sizes) == 2
			})
			small, late := true, true
			for i := range sizes {
				small = small && sizes[i] <= 1<<20
				late = late && names[i] != "web.stdout.0"
			}
			p.say("two files %t, of 1 MiB at most %t, the first ones gone %t", len(sizes) == 2, small, late)
		},
	},
	{
		name:  "Nomad: a task runs as another user",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			uid of nobody 65534, writes to its folder 200
			a user that is not there: failed, Driver Failure true, names it true`,
		run: func(p *probe) {
			for dir := p.dir; p.kind == "embedded" && dir != os.TempDir(); dir = filepath.Dir(dir) {
				p.check(os.Chmod(dir, 0o711)) // there is no chroot: the user needs the whole way
				p.check(os.Chmod(filepath.Join(p.dir, "nomad"), 0o711))
			}
			j := p.server(1)
			j.TaskGroups[0].Tasks[0].User = "nobody"
			_, address := p.serving(j)
			_, text := p.ask(address, "/uid")
			status, _ := p.ask(address, "/write/note")
			p.say("uid of nobody %s, writes to its folder %d", text, status)
			j = p.job(1, "idle")
			j.TaskGroups[0].Tasks[0].User = "nosuchuser"
			p.register(j)
			var a *nomadapi.AllocationListStub
			p.until("it has failed", func() bool {
				for _, one := range p.allocs() {
					if one.ClientStatus == "failed" {
						a = one
					}
				}
				return a != nil
			})
			said := p.message(a, nomadapi.TaskDriverFailure)
			p.say("a user that is not there: %s, Driver Failure %t, names it %t", a.ClientStatus, !strings.HasPrefix(said, "no event"), strings.Contains(said, "nosuchuser"))
		},
	},
	{
		name:  "Nomad: templates become files with permissions and variables, and change by signal, or without a word",
		calls: []string{"consul PUT /v1/kv/*key", "nomad GET /v1/client/fs/stat/:id?path", "nomad GET /v1/job/:id/allocations?all"},
		want: `
			quiet one, loud one, mode -rw-r-----
			literal {{ key "x" }} ${NOMAD_JOB_ID} and env ID
			variable from a template: a b
			signals before 0
			after a change: quiet two, loud two, signals 1, restarts 0
			Signaling: Template re-rendered`,
		run: func(p *probe) {
			p.put(p.id+"/quiet", "one")
			p.put(p.id+"/loud", "one")
			j := p.server(1)
			t := j.TaskGroups[0].Tasks[0]
			t.Templates = []*nomadapi.Template{
				{EmbeddedTmpl: new(fmt.Sprintf("{{ key %q }}", p.id+"/quiet")), DestPath: new("local/conf/quiet"), ChangeMode: new("noop"), Perms: new("0640")},
				{
					EmbeddedTmpl: new(fmt.Sprintf("{{ key %q }}", p.id+"/loud")), DestPath: new("local/loud"),
					ChangeMode: new("signal"), ChangeSignal: new("SIGUSR1"), Splay: new(time.Duration(0)),
				},
				{
					EmbeddedTmpl: new("{{ \"{{ key \\\"x\\\" }} ${NOMAD_JOB_ID}\" }} and env {{ env \"NOMAD_JOB_ID\" }}"),
					DestPath:     new("${NOMAD_TASK_DIR}/literal"), ChangeMode: new("noop"),
				},
				{EmbeddedTmpl: new("FROM_TEMPLATE=\"a b\""), DestPath: new("secrets/vars.env"), Envvars: new(true), ChangeMode: new("noop")},
			}
			alloc, address := p.serving(j)
			file := func(name string) string { _, text := p.ask(address, "/file/"+name); return text }
			info, _, err := p.nomad.AllocFS().Stat(&nomadapi.Allocation{ID: alloc}, "web/local/conf/quiet", p.read())
			p.check(err)
			p.say("quiet %s, loud %s, mode %s", file("conf/quiet"), file("loud"), info.FileMode)
			p.say("literal %s", file("literal"))
			_, _, env := p.facts(address)
			p.say("variable from a template: %s", env["FROM_TEMPLATE"])
			signals := func() string { _, text := p.ask(address, "/signals"); return text }
			p.say("signals before %s", signals())
			p.put(p.id+"/quiet", "two")
			p.until("the quiet one has changed", func() bool { return file("conf/quiet") == "two" })
			p.put(p.id+"/loud", "two")
			p.until("the signal has come", func() bool { return signals() == "1" })
			var signaled *nomadapi.TaskEvent
			var a *nomadapi.AllocationListStub
			p.until("the event is there", func() bool {
				a = p.running(1)[0]
				for _, e := range a.TaskStates["web"].Events {
					if e.Type == nomadapi.TaskSignaling {
						signaled = e
					}
				}
				return signaled != nil
			})
			p.say("after a change: quiet %s, loud %s, signals %s, restarts %d", file("conf/quiet"), file("loud"), signals(), a.TaskStates["web"].Restarts)
			p.say("%s: %s", signaled.Type, signaled.DisplayMessage)
		},
	},
	{
		name:  "Nomad: a task knows the cores and the memory it has",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want:  `a cpu limit true, memory 32, at most 64`,
		run: func(p *probe) {
			j := p.server(1)
			t := j.TaskGroups[0].Tasks[0]
			t.Resources.CPU, t.Resources.MemoryMaxMB = new(60), new(64)
			_, address := p.serving(j)
			_, _, env := p.facts(address)
			p.say("a cpu limit %t, memory %s, at most %s", env["NOMAD_CPU_LIMIT"] == "60", env["NOMAD_MEMORY_LIMIT"], env["NOMAD_MEMORY_MAX_LIMIT"])
		},
	},
	{
		name:  "Nomad: a group without ports or services runs and is healthy by its tasks",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want:  `healthy true`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			p.beside(j, "first", "prestart", false, "exit", "0")
			p.register(j)
			p.wanted(1, func(a *nomadapi.AllocationListStub) bool {
				return a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy
			})
			p.say("healthy true")
		},
	},
}

// put writes a key and takes it away with the row.
func (p *probe) put(key, value string) {
	p.later(func() { _, _ = p.consul.KV().Delete(key, nil) }) // it may be gone
	_, err := p.consul.KV().Put(&consulapi.KVPair{Key: key, Value: []byte(value)}, p.writeConsul())
	p.check(err)
}
