package watch_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/watch"
)

func event(kind string, details ...string) *nomadapi.TaskEvent {
	e := &nomadapi.TaskEvent{Type: kind, Details: map[string]string{}}
	for i := 0; i < len(details); i += 2 {
		e.Details[details[i]] = details[i+1]
	}
	return e
}

func TestReasonOfRecordedTasks(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/tasks.json") // recorded from Nomad 2.0.6-dev
	if err != nil {
		t.Fatal(err)
	}
	var tasks map[string]*nomadapi.TaskState
	if err := json.Unmarshal(b, &tasks); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"exitone": "web exited 3 times with code 1",
		"port":    "web exited 3 times with code 0",
		"sigsegv": "web was ended 3 times by signal 11 (SIGSEGV, an invalid memory access)",
		"nofile":  `web could not be started: exec: "./nope": no such file in the artifact`,
		"art":     "web could not fetch its artifact: 127.0.0.1:17: connection refused",
	}
	for name, sentence := range want {
		if tasks[name] == nil {
			t.Errorf("nothing recorded for %s", name)
			continue
		}
		if got := watch.Reason("web", tasks[name], 64); got != sentence {
			t.Errorf("%s: %q, want %q", name, got, sentence)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		events []*nomadapi.TaskEvent
		want   string
	}{
		{"nothing has happened", []*nomadapi.TaskEvent{event("Received"), event("Started")}, ""},
		{
			"out of memory",
			[]*nomadapi.TaskEvent{event("Started"), event("Terminated", "exit_code", "137", "signal", "9", "oom_killed", "true"), event("Restarting")},
			"web was killed: out of memory (128 MiB)",
		},
		{"one exit", []*nomadapi.TaskEvent{event("Started"), event("Terminated", "exit_code", "2", "signal", "0")}, "web exited with code 2"},
		{"an end that was asked for", []*nomadapi.TaskEvent{event("Started"), event("Killing"), event("Terminated", "exit_code", "143", "signal", "15")}, ""},
		{
			"the driver of the embedded stack",
			[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "fork/exec ./nope: no such file or directory")},
			`web could not be started: exec: "./nope": no such file in the artifact`,
		},
		{
			"a program of the artifact",
			[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", `binary "local/nope" could not be found`)},
			`web could not be started: exec: "./nope": no such file in the artifact`,
		},
		{
			"a program that exec can't find",
			[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "rpc error: code = Unknown desc = file local/nope not found under path /data/alloc/ab/web")},
			`web could not be started: exec: "./nope": no such file in the artifact`,
		},
		{
			"a file without the mode",
			[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", `binary "local/run.sh" is not executable`)},
			`web could not be started: exec: "./run.sh": not a program that can be executed`,
		},
		{
			"a file that is no program",
			[]*nomadapi.TaskEvent{event("Driver Failure", "driver_error", "rpc error: code = Unknown desc = fork/exec /local/readme: permission denied")},
			`web could not be started: exec: "/local/readme": not a program that can be executed`,
		},
		{
			"a signed address",
			[]*nomadapi.TaskEvent{event("Failed Artifact Download", "download_error", `failed to download artifact "http://x/v1/artifacts/sha256/ab?sig=SECRET": bad response code: 404 for http://x/ab?sig=SECRET`)},
			"web could not fetch its artifact: bad response code: 404 for http://x/ab",
		},
		{"setup", []*nomadapi.TaskEvent{event("Setup Failure", "setup_error", "failed to build task directory.")}, "web could not be set up: failed to build task directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := watch.Reason("web", &nomadapi.TaskState{Events: tt.events}, 128)
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if strings.Contains(got, "SECRET") {
				t.Errorf("%q shows a signature", got)
			}
		})
	}
}

func TestExitsAreCountedPastTheEventsNomadKeeps(t *testing.T) {
	t.Parallel()
	task := &nomadapi.TaskState{Restarts: 7}
	for range 3 {
		task.Events = append(task.Events, event("Started"), event("Terminated", "exit_code", "1"), event("Restarting"))
	}
	task.Events = append(task.Events, event("Started"), event("Terminated", "exit_code", "1"))
	if got, want := watch.Reason("web", task, 0), "web exited 8 times with code 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCheckReason(t *testing.T) {
	t.Parallel()
	web := paas.Process{Name: "web", Ports: []paas.Port{{Name: "http"}, {Name: "admin-ui"}}, Health: paas.Probes{Readiness: &paas.Probe{Type: paas.ProbeHTTP, Path: "/healthz", Port: "http"}}}
	at := paas.Endpoint{Host: "10.0.0.5", Port: 23456}
	const refused = "dial tcp 10.0.0.5:23456: connect: connection refused"
	tests := []struct {
		name, port, output string
		look               watch.Look
		want               string
	}{
		{"no look yet", "http", "", watch.Look{}, ""},
		{"a status", "http", "HTTP GET http://10.0.0.5:23456/healthz: 503 Service Unavailable Output: warming up", watch.Look{}, "web answers its health check /healthz with 503 Service Unavailable"},
		{"a status found by a look", "http", "", watch.Look{Output: "HTTP GET http://10.0.0.5:23456/healthz: 404 Not Found"}, "web answers its health check /healthz with 404 Not Found"},
		{"a status found since Consul was refused", "http", refused, watch.Look{Output: "HTTP GET http://10.0.0.5:23456/healthz: 404 Not Found", Addresses: []string{"10.0.0.5:23456"}}, "web answers its health check /healthz with 404 Not Found"},
		{"it began to listen", "http", refused, watch.Look{Addresses: []string{"10.0.0.5:23456"}}, ""},
		{"it began to answer", "http", "", watch.Look{Output: "HTTP GET http://10.0.0.5:23456/healthz: 200 OK"}, ""},
		{"nobody listens", "http", refused, watch.Look{}, "web did not listen on port 23456 (PORT_HTTP)"},
		{"a port of several", "admin-ui", "", watch.Look{Output: refused}, "web did not listen on port 23456 (PORT_ADMIN_UI)"},
		{"another port", "http", "", watch.Look{Output: refused, Addresses: []string{"[::]:8080"}}, "web did not listen on port 23456 (PORT_HTTP); it listens on [::]:8080 instead"},
		{"another address", "http", refused, watch.Look{Addresses: []string{"127.0.0.1:23456"}}, "web listens on 127.0.0.1:23456, where 10.0.0.5:23456 can't be reached (HOST says where to listen)"},
		{"too slow", "http", `Get "http://10.0.0.5:23456/healthz": context deadline exceeded`, watch.Look{}, "web does not answer its health check /healthz in time"},
		{"anything else", "http", "malformed HTTP response.", watch.Look{}, "the health check of web fails: malformed HTTP response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := watch.CheckReason(web, paas.Check{Port: tt.port, Output: tt.output}, at, tt.look); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
