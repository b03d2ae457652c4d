package devstack_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

// The real programs, with a job that runs under both drivers: children are restarted without losing tasks or
// secrets, and the end of dev is the end of all of them.
func TestRealPrograms(t *testing.T) {
	t.Parallel()
	programs, err := devstack.Find("real")
	if err != nil {
		t.Skip("needs the real programs: ", err)
	}
	if os.Getuid() != 0 {
		t.Skip("the exec driver needs root")
	}
	dir := t.TempDir()
	c := config(self(t), dir)
	c.Programs = programs
	var stack devstack.Stack
	server := c.Server
	c.Server = func(s devstack.Stack) (devstack.Server, error) { stack = s; return server(s) }
	r := start(t, c)
	client, err := nomadapi.NewClient(&nomadapi.Config{Address: r.info.Nomad})
	if err != nil {
		t.Fatal(err)
	}
	writeSecret(t, stack)

	register(t, client)
	pids := map[string]int{}
	for _, name := range []string{"raw", "jailed"} {
		eventually(t, "the task "+name+" runs and carries the mark", func() bool {
			pids[name] = taskProcess(stack.Dir, name)
			return pids[name] > 0
		})
	}
	for _, name := range []string{"nomad", "vault", "consul", "router"} {
		if err := syscall.Kill(r.info.Pids[name], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, name+" runs again", func() bool {
			info, err := readInfo(dir)
			return err == nil && info.Pids[name] != r.info.Pids[name]
		})
	}
	if got := readSecret(t, stack); !strings.Contains(got, "kept") {
		t.Errorf("the vault lost its secret: %s", got)
	}
	for name, pid := range pids {
		if gone(pid) {
			t.Errorf("%s ended with nomad", name)
		}
	}
	last, err := readInfo(dir)
	if err != nil {
		t.Fatal(err)
	}
	r.end(t)
	delete(last.Pids, "dev")
	for name, pid := range last.Pids {
		pids[name] = pid
	}
	for name, pid := range pids {
		if !gone(pid) {
			t.Errorf("%s (%d) outlived dev", name, pid)
		}
	}

	// The same folder again: the job is still there and its tasks run anew.
	again := start(t, c)
	defer again.end(t)
	for _, name := range []string{"raw", "jailed"} {
		eventually(t, "the task "+name+" runs again", func() bool {
			pid := taskProcess(stack.Dir, name)
			return pid > 0 && pid != pids[name]
		})
	}
}

// register runs this test binary as a task, under raw_exec and under exec, where it comes as an artifact.
func register(t *testing.T, client *nomadapi.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	binary := self(t)
	files := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(binary))))
	t.Cleanup(files.Close)
	source, file, into := files.URL+"/"+filepath.Base(binary), "file", "local/task.test"
	cpu, memory := 100, 64

	raw := nomadapi.NewTask("raw", "raw_exec")
	raw.Config = map[string]any{"command": binary, "args": []string{"task", "${NOMAD_TASK_DIR}"}}
	jailed := nomadapi.NewTask("jailed", "exec")
	jailed.Config = map[string]any{"command": "/local/task.test", "args": []string{"task", "/local"}}
	jailed.Artifacts = []*nomadapi.TaskArtifact{{GetterSource: &source, GetterMode: &file, RelativeDest: &into}}

	job := nomadapi.NewServiceJob("proof", "proof", "global", 50)
	job.Datacenters = []string{"dc1"}
	for _, task := range []*nomadapi.Task{raw, jailed} {
		task.Resources = &nomadapi.Resources{CPU: &cpu, MemoryMB: &memory}
		job.AddTaskGroup(nomadapi.NewTaskGroup(task.Name, 1).AddTask(task))
	}
	if _, _, err := client.Jobs().Register(job, (&nomadapi.WriteOptions{}).WithContext(ctx)); err != nil {
		t.Fatal(err)
	}
}

// taskProcess finds the process of a task by the mark of the folder and the task's name in its environment.
func taskProcess(dir, name string) int {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return 0
	}
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(environ), "CRUMPET_DEV_DIR="+dir+"\x00") ||
			!strings.Contains(string(environ), "NOMAD_TASK_NAME="+name+"\x00") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && !gone(pid) {
			return pid
		}
	}
	return 0
}

// writeSecret puts a value into the stack's vault, and readSecret gets it.
func writeSecret(t *testing.T, s devstack.Stack) {
	t.Helper()
	vault(t, s, http.MethodPost, "/v1/sys/mounts/proof", `{"type":"kv"}`)
	vault(t, s, http.MethodPost, "/v1/proof/a", `{"value":"kept"}`)
}

func readSecret(t *testing.T, s devstack.Stack) string {
	t.Helper()
	return vault(t, s, http.MethodGet, "/v1/proof/a", "")
}

func vault(t *testing.T, s devstack.Stack, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequest(method, s.Vault+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", s.VaultToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, text, err)
	}
	return string(text)
}
