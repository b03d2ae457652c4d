package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

const healthy = `health { path = "/health" }`

// whyApps are the causes that lie in an app, in its placement, or between its allocation and its program.
func whyApps() []whyCase {
	probes := "health {\n readiness { http = \"/\" }\n liveness {\n http = \"/health\"\n failures = 2\n }\n}"
	startup := "health {\n startup { http = \"/health\" }\n readiness { http = \"/\" }\n}"
	list := []whyCase{
		{cause: "serving", quick: true, serves: true, arise: (*whyStack).serving, words: []string{"release 1 is serving", "1 web"}},
		{cause: "never-pushed", quick: true, words: []string{"nothing was ever pushed"}},
		{
			cause: "build-failed", quick: true, app: whyApp{build: "go", files: map[string]string{"main.go": "package main\n\nfunc main() { nonsense() }\n", "go.mod": "module x\n\ngo 1.24\n"}},
			arise: func(w *whyStack, app string) { w.d.cli(w.dir(app), "push") }, words: []string{"could not be built", "nonsense"},
		},
		{cause: "host-taken", quick: true, app: whyApp{keys: []string{`route "serving.localhost/" {}`}}, arise: func(w *whyStack, app string) {
			w.write("taker", whyApp{keys: []string{`route "taken.localhost/" {}`}})
			w.serving("taker")
			edit(w.d.t, filepath.Join(w.dir(app), "crumpet.hcl"), "serving.localhost", "taken.localhost")
			w.d.cli(w.dir(app), "push")
		}, words: []string{`Route taken.localhost/ already belongs to app "taker"`}},
		{cause: "stopped", quick: true, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.d.ok(w.home, "stop", app, "--detach")
		}, words: []string{"stopped by root", "crumpet start"}},
		{cause: "scaled-to-zero", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.d.ok(w.home, "scale", app, "web=0")
		}, words: []string{"scaled to 0"}},
		{cause: "being-destroyed", app: whyApp{keys: []string{`shutdown_delay = "10s"`}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			cmd := w.d.command(w.d.t.Context(), w.home, "destroy", app, "--yes")
			if err := cmd.Start(); err != nil {
				w.d.t.Fatal(err)
			}
			w.d.t.Cleanup(func() { _ = cmd.Wait() })
		}, words: []string{"being destroyed"}},

		{cause: "driver-missing", quick: true, push: true, app: whyApp{keys: []string{`nomad { task = { Driver = "docker", Config = { image = "x" } } }`}}, words: []string{`the driver "docker"`}},
		{cause: "constraint-unmatched", quick: true, push: true, app: whyApp{outer: []string{"placement {\n constraint {\n attribute = \"attr.kernel.name\"\n value = \"plan9\"\n }\n}"}}, words: []string{"kernel.name"}},
		{cause: "no-memory", quick: true, push: true, app: whyApp{keys: []string{`memory = "4096GiB"`}}, words: []string{"4194304 MB of free memory"}},
		{cause: "no-cpu", quick: true, push: true, app: whyApp{keys: []string{`cpu = 1000000`}}, words: []string{"1000000 MHz of free cpu"}},
		{cause: "no-disk", quick: true, push: true, app: whyApp{keys: []string{`disk = "9000000MiB"`}}, words: []string{"9000000 MB of free disk"}},
		{cause: "distinct-hosts", quick: true, push: true, app: whyApp{keys: []string{"instances = 3\nplacement { distinct_hosts = true }"}}, words: []string{"distinct hosts"}},

		{cause: "user-missing", quick: true, push: true, app: whyApp{keys: []string{`user = "nobodyhere"`}}, arisen: event("Driver Failure", ""), words: []string{"could not be started", "nobodyhere"}},
		{cause: "working-dir-missing", only: "embedded", quick: true, push: true, app: whyApp{keys: []string{`working_dir = "absent"`}}, arisen: event("Driver Failure", ""), words: []string{"absent"}},
		{cause: "command-missing", quick: true, push: true, app: whyApp{keys: []string{`command = ["./absent"]`}}, arisen: event("Driver Failure", ""), words: []string{"./absent", "no such file in the artifact"}},
		{cause: "not-executable", quick: true, push: true, app: whyApp{keys: []string{`command = ["./bad"]`}, files: map[string]string{"bad": "garbage\x00\x01"}}, arisen: notExecuted, words: []string{"/bad"}},
		{cause: "setup-failed", quick: true, push: true, app: whyApp{keys: []string{`nomad { task = { Config = { nonsense = true } } }`}}, arisen: event("Failed Validation", ""), words: []string{"nonsense"}},
		{
			cause: "template-failed", quick: true, push: true, arisen: event("Killing", "Template failed"), words: []string{"template"},
			app: whyApp{keys: []string{`nomad { task = { Templates = [{ EmbeddedTmpl = "{{ nonsense }}", DestPath = "local/x" }] } }`}},
		},
		{
			cause: "vault-failed", quick: true, push: true, arisen: event("Killing", "ault"), words: []string{"Vault", `role "nobody"`},
			app: whyApp{keys: []string{`nomad { task = { Vault = { Role = "nobody" } } }`}},
		},

		{cause: "exit-code", quick: true, push: true, app: whyApp{mode: "exit"}, arisen: event("Terminated", "Exit Code: 3"), words: []string{"web exited", "code 3", `last log line "the database is not there"`, "crumpet logs exit-code"}},
		{cause: "crash-loop", push: true, app: whyApp{mode: "exit", keys: []string{"startup = \"60s\"\nrestart {\n attempts = 10\n delay = \"1s\"\n}"}}, arisen: terminated(3), words: []string{"crash loop", "code 3"}},
		{cause: "signal", quick: true, serves: false, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.kill(app)
		}, words: []string{"signal 9"}},
		{cause: "out-of-memory", quick: true, push: true, app: whyApp{mode: "memory", keys: []string{`memory = "48MiB"`}}, arisen: oomKilled, words: []string{"out of memory", "48 MiB"}},
		{cause: "sidecar-failed", push: true, app: whyApp{keys: []string{"sidecar \"side\" {\n command = [\"./prog\", \"exit\"]\n}"}}, arisen: event("Terminated", "Exit Code: 3"), words: []string{"sidecar side"}},
		{cause: "never-listens", quick: true, push: true, app: whyApp{mode: "deaf", keys: []string{`startup = "7s"`}}, arisen: startedFor(7 * time.Second), words: []string{"did not listen on port", "(PORT)"}},
		{cause: "listens-elsewhere", quick: true, push: true, app: whyApp{mode: "elsewhere", env: `    ELSEWHERE = "45871"`, keys: []string{`startup = "8s"`}}, arisen: startedFor(4 * time.Second), words: []string{"127.0.0.1:45871"}},
		{cause: "liveness-restarts", push: true, app: whyApp{mode: "later", keys: []string{probes, `startup = "8s"`}}, arisen: event("Restart Signaled", "unhealthy"), words: []string{"liveness probe"}},
		{cause: "check-flapping", push: true, serves: true, either: true, app: whyApp{mode: "flapping", keys: []string{healthy}}, arisen: startedFor(16 * time.Second), words: []string{"by turns"}},
		{cause: "check-slow", quick: true, push: true, app: whyApp{mode: "slow", keys: []string{"health {\n path = \"/health\"\n timeout = \"1s\"\n}"}}, arisen: startedFor(3 * time.Second), words: []string{"too slowly", "/health"}},
		{cause: "startup-limit", push: true, app: whyApp{mode: "failing", keys: []string{startup, `startup = "7s"`}}, arisen: startedFor(7 * time.Second), words: []string{"/health", "500"}},
		{
			cause: "check-failing", quick: true, push: true, app: whyApp{mode: "failing", keys: []string{healthy, "instances = 3"}}, arisen: startedFor(2 * time.Second),
			words: []string{"3 web instances", "readiness check", "GET /health answered 500 Internal Server Error at ", `last log line "the database is not there"`, "crumpet logs check-failing"},
		},

		{cause: "artifact-missing", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.blob(app, os.Remove)
			w.replace(app)
		}, arisen: event("Failed Artifact Download", "404"), words: []string{"404"}},
		{cause: "artifact-checksum", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.blob(app, func(path string) error { return os.WriteFile(path, []byte("something else"), 0o600) })
			w.replace(app)
		}, arisen: event("Failed Artifact Download", ""), words: []string{"another artifact"}},
		{cause: "artifact-failed", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.blob(app, func(path string) error {
				if err := os.Remove(path); err != nil {
					return err
				}
				return os.Mkdir(path, 0o700)
			})
			w.replace(app)
		}, arisen: event("Failed Artifact Download", ""), words: []string{"can't fetch"}},
	}
	for i := range list {
		list[i].group = "apps"
		if strings.HasPrefix(list[i].cause, "artifact-") { // each loses an artifact of its own
			list[i].app.files = map[string]string{"name": list[i].cause}
		}
	}
	return list
}

// notExecuted tells that the kernel refused the program: the stand-in says so when it starts it, Nomad's exec driver
// ends with 255.
func notExecuted(w *whyStack, app string) bool {
	return event("Driver Failure", "")(w, app) || event("Terminated", "Exit Code: 255")(w, app)
}

// terminated tells that tasks of the app have ended so many times.
func terminated(times int) func(*whyStack, string) bool {
	return func(w *whyStack, app string) bool {
		n := 0
		for _, a := range w.allocs(app) {
			for _, task := range a.TaskStates {
				for _, e := range task.Events {
					if e.Type == nomadapi.TaskTerminated {
						n++
					}
				}
			}
		}
		return n >= times
	}
}

func oomKilled(w *whyStack, app string) bool {
	for _, a := range w.allocs(app) {
		if a.TaskStates["web"] == nil {
			continue
		}
		for _, e := range a.TaskStates["web"].Events {
			if e.Details["oom_killed"] == "true" {
				return true
			}
		}
	}
	return false
}

// kill ends the app's program from outside.
func (w *whyStack) kill(app string) {
	w.d.t.Helper()
	a := w.newest(app)
	for _, p := range w.d.processes() {
		if p.belongs(a.ID) && strings.HasSuffix(p.args[0], "prog") {
			if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
				w.d.t.Fatal(err)
			}
			return
		}
	}
	w.d.t.Fatalf("no program of %s runs", app)
}

// blob does something to the artifact of an app's first release.
func (w *whyStack) blob(app string, do func(path string) error) {
	w.d.t.Helper()
	digest := w.d.artifact(app, 1)
	found, err := filepath.Glob(filepath.Join(w.d.dir, "crumpet", "blobs", "*", "*", digest))
	if err != nil || len(found) != 1 {
		w.d.t.Fatalf("files of artifact %s: %v, %v", digest, found, err)
	}
	if err := do(found[0]); err != nil {
		w.d.t.Fatal(err)
	}
}
