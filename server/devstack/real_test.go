package devstack_test

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"maps"
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

func TestRealPrograms(t *testing.T) {
	t.Parallel()
	programs, err := devstack.Find("real")
	if err != nil {
		t.Skip("needs the real programs: ", err)
	}
	if os.Getuid() != 0 {
		t.Skip("the exec driver needs root")
	}
	if binary, err := elf.Open(self(t)); err != nil || binary.Section(".interp") != nil {
		t.Skip("a task under exec sees no C library: test with CGO_ENABLED=0")
	}
	c := config(self(t), t.TempDir())
	c.Programs = programs
	prove(t, c)
}

func TestStandIns(t *testing.T) {
	t.Parallel()
	c := config(self(t), t.TempDir())
	c.Self = []string{self(t), "stack"}
	prove(t, c)
}

// prove runs a job under both drivers: children are restarted without losing tasks or secrets, the end of dev is the end
// of all of them, and the next dev on the folder runs the job again.
func prove(t *testing.T, c devstack.Config) {
	t.Helper()
	dir := c.Dir
	began := time.Now()
	c.Ready = func(name string, pid int) { t.Logf("%5.1f s %s ready, pid %d", time.Since(began).Seconds(), name, pid) }
	var stack devstack.Stack
	server := c.Server
	c.Server = func(s devstack.Stack) (devstack.Server, error) { stack = s; return server(s) }
	r := start(t, c)
	client, err := nomadapi.NewClient(&nomadapi.Config{Address: r.info.Nomad})
	if err != nil {
		t.Fatal(err)
	}
	writeSecret(t, stack)
	vaultToken := stack.VaultToken
	if code, text := vault(t, stack, http.MethodGet, "/v1/sys/mounts", ""); code != http.StatusForbidden {
		t.Errorf("the server's token may do more than its policy says: %d %s", code, text)
	}

	register(t, client)
	t.Cleanup(func() { describe(t, client) })
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
	maps.Copy(pids, last.Pids)
	for name, pid := range pids {
		if !gone(pid) {
			t.Errorf("%s (%d) outlived dev", name, pid)
		}
	}

	// The same folder again: the job is still there and its tasks run anew.
	again := start(t, c)
	defer again.end(t)
	if stack.VaultToken != vaultToken {
		t.Error("the next dev made another token for the server")
	}
	if got := readSecret(t, stack); !strings.Contains(got, "kept") {
		t.Errorf("the server's token is worth nothing to the next dev: %s", got)
	}
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
	files := httptest.NewServer(archive(t, binary, "task.test"))
	t.Cleanup(files.Close)
	source, into := files.URL+"/task.tar", "local"
	cpu, memory := 100, 64

	raw := nomadapi.NewTask("raw", "raw_exec")
	raw.Config = map[string]any{"command": binary, "args": []string{"task", "${NOMAD_TASK_DIR}"}}
	jailed := nomadapi.NewTask("jailed", "exec")
	jailed.Config = map[string]any{"command": "local/task.test", "args": []string{"task", "${NOMAD_TASK_DIR}"}}
	jailed.Artifacts = []*nomadapi.TaskArtifact{{GetterSource: &source, RelativeDest: &into}}

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

// archive serves a tar of one program.
func archive(t *testing.T, path, name string) http.Handler {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	err = w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), ModTime: time.Now()})
	if err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, name+".tar", time.Time{}, bytes.NewReader(packed.Bytes()))
	})
}

// describe logs what happened to the tasks of a test that failed.
func describe(t *testing.T, client *nomadapi.Client) {
	t.Helper()
	if !t.Failed() {
		return
	}
	allocs, _, err := client.Allocations().List(nil)
	if err != nil {
		t.Log(err)
	}
	for _, alloc := range allocs {
		for name, state := range alloc.TaskStates {
			for _, event := range state.Events {
				t.Log(name, event.Type, event.DisplayMessage)
			}
		}
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
	if code, text := vault(t, s, http.MethodPost, "/v1/sys/mounts/proof", `{"type":"kv","options":{"version":"2"}}`); code >= 300 {
		t.Fatalf("mount kv: %d %s", code, text)
	}
	eventually(t, "the vault took a secret", func() bool { // a new mount refuses for a moment
		code, _ := vault(t, s, http.MethodPost, "/v1/proof/data/a", `{"data":{"value":"kept"}}`)
		return code == http.StatusOK
	})
}

func readSecret(t *testing.T, s devstack.Stack) string {
	t.Helper()
	_, text := vault(t, s, http.MethodGet, "/v1/proof/data/a", "")
	return text
}

func vault(t *testing.T, s devstack.Stack, method, path, body string) (int, string) {
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
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
