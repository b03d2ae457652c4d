package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// goldens hold an app spec, a line of dashes, and the jobs it becomes.
const goldens = "../server/jobspec/testdata/*.hcltest"

// TestGolden: a real Nomad accepts every job of the goldens, for validation and for a plan, without
// a warning.
func TestGolden(t *testing.T) {
	nomad := startNomad(t)
	files, err := filepath.Glob(goldens)
	if err != nil {
		t.Fatal(err)
	}
	var accepted int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range goldenJobs(t, file, string(text)) {
			accepted++
			t.Run(fmt.Sprintf("%s/%s", strings.TrimSuffix(filepath.Base(file), ".hcltest"), *job.ID), func(t *testing.T) {
				nomad.accepts(t, job)
			})
		}
	}
	if accepted < 4 {
		t.Errorf("the goldens in %s hold %d jobs", goldens, accepted)
	}
	t.Logf("nomad %s accepted %d jobs", nomad.version, accepted)
}

// goldenJobs are the jobs of a golden, {"Job":{...}} each.
func goldenJobs(t *testing.T, file, text string) []*nomadapi.Job {
	t.Helper()
	_, expected, found := strings.Cut(text, "----\n")
	if !found {
		t.Fatalf("%s has no line of dashes", file)
	}
	var jobs []*nomadapi.Job
	for d := json.NewDecoder(strings.NewReader(expected)); ; {
		d.DisallowUnknownFields() // Nomad would overlook them
		var submission struct{ Job *nomadapi.Job }
		switch err := d.Decode(&submission); {
		case errors.Is(err, io.EOF):
			return jobs
		case err != nil || submission.Job == nil:
			t.Fatalf("%s holds no job: %v", file, err)
		}
		jobs = append(jobs, submission.Job)
	}
}

// bareNomad is one real server, without Consul, Vault or a node: what it says about a job depends on
// none of them.
type bareNomad struct {
	addr, version string
	*nomadapi.Client
}

// accepts has Nomad validate and plan a job.
func (n bareNomad) accepts(t *testing.T, job *nomadapi.Job) {
	t.Helper()
	if job.NodePool != nil {
		if _, err := n.NodePools().Register(&nomadapi.NodePool{Name: *job.NodePool}, nil); err != nil {
			t.Fatal(err)
		}
	}
	verdict, _, err := n.Jobs().Validate(job, nil)
	if err != nil {
		t.Fatal(err)
	}
	if verdict.Error != "" || len(verdict.ValidationErrors) > 0 || verdict.Warnings != "" {
		t.Errorf("PUT /v1/validate/job: %s %q %s", verdict.Error, verdict.ValidationErrors, verdict.Warnings)
	}
	plan, _, err := n.Jobs().Plan(job, false, nil)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	if plan.Warnings != "" {
		t.Errorf("plan: %s", plan.Warnings)
	}
}

// startNomad runs the nomad on PATH until the test ends.
func startNomad(t testing.TB) bareNomad {
	t.Helper()
	program, err := exec.LookPath("nomad")
	if err != nil {
		t.Skip("nomad is not on PATH: no real Nomad to ask about jobs")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "nomad.hcl")
	addr := "127.0.0.1:" + freePort(t)
	write(t, config, fmt.Sprintf(`
data_dir             = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
log_level            = "WARN"
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
ports {
  http = %s
  rpc  = %s
  serf = %s
}
server {
  enabled          = true
  bootstrap_expect = 1
  default_scheduler_config {
    memory_oversubscription_enabled = true # without it memory_max comes with a warning
  }
}
consul {
  server_auto_join = false
  auto_advertise   = false
}
vault {
  enabled = true # a server only notes it, clients alone would call
  address = "http://127.0.0.1:1"
}
`, filepath.Join(dir, "data"), strings.TrimPrefix(addr, "127.0.0.1:"), freePort(t), freePort(t)))

	var out buffer
	cmd := exec.Command(program, "agent", "-config", config)
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); name != "AWS_CA_BUNDLE" && !strings.HasPrefix(name, "NOMAD_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its output says why it ended
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Errorf("nomad did not end within a minute:\n%s", &out)
			_ = cmd.Process.Kill()
			<-done
		}
	})
	client, err := nomadapi.NewClient(&nomadapi.Config{Address: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	n := bareNomad{addr: "http://" + addr, Client: client}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if leader, err := client.Status().Leader(); err == nil && leader != "" {
			break
		}
		select {
		case <-done:
			t.Fatalf("nomad ended:\n%s", &out)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("nomad had no leader within a minute:\n%s", &out)
		}
	}
	self, err := client.Agent().Self()
	if err != nil {
		t.Fatal(err)
	}
	n.version = self.Member.Tags["build"]
	return n
}
