package nomad_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

func TestEventsTellOfJobsAndAllocations(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := s.EventStream().Stream(ctx, map[nomadapi.Topic][]string{"Job": {"app"}, "Allocation": {"app"}}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.register(t, job("other", 1, forever))
	s.register(t, job("app", 1, forever))
	var kinds []string
	index := uint64(0)
	deadline := time.After(20 * time.Second)
	for !slices.Contains(kinds, "Allocation AllocationUpdated running") {
		select {
		case batch := <-events:
			if batch.Err != nil {
				t.Fatal(batch.Err)
			}
			if batch.IsHeartbeat() {
				continue
			}
			if batch.Index <= index {
				t.Errorf("index %d after %d", batch.Index, index)
			}
			index = batch.Index
			for _, e := range batch.Events {
				kind := string(e.Topic) + " " + e.Type
				if e.Topic == "Allocation" {
					a, err := e.Allocation()
					if err != nil || a.JobID != "app" {
						t.Fatalf("got %+v, %v", a, err)
					}
					kind += " " + a.ClientStatus
				} else if e.Key != "app" {
					t.Errorf("got %+v", e)
				}
				kinds = append(kinds, kind)
			}
		case <-deadline:
			t.Fatalf("only %v", kinds)
		}
	}
	for _, want := range []string{"Job JobRegistered", "Allocation PlanResult pending"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("%q is not in %v", want, kinds)
		}
	}
}

// logs reads a task's log through the official client until it ends or holds a
// text.
func (s *stack) logs(t *testing.T, id, origin string, offset int64, follow bool, until string) string {
	t.Helper()
	cancel := make(chan struct{})
	defer close(cancel)
	frames, errs := s.AllocFS().Logs(&nomadapi.Allocation{ID: id}, follow, "web", "stdout", origin, offset, cancel, nil)
	var out strings.Builder
	deadline := time.After(20 * time.Second)
	for {
		select {
		case frame, open := <-frames:
			if !open {
				return out.String()
			}
			out.Write(frame.Data)
			if until != "" && strings.Contains(out.String(), until) {
				return out.String()
			}
		case err := <-errs:
			t.Fatal(err)
		case <-deadline:
			t.Fatalf("got only %q", out.String())
		}
	}
}

func TestLogsAreStreamed(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, "echo first; while [ ! -e ../go ]; do sleep 0.05; done; echo second; "+forever))
	a := s.running(t, "app", 1)["app.web[0]"]
	s.until(t, "it has written", func() bool { return s.log(t, a.ID) != "" })
	if got := s.logs(t, a.ID, "start", 0, false, ""); got != "first\n" {
		t.Errorf("got %q", got)
	}
	if got := s.logs(t, a.ID, "end", 3, false, ""); got != "st\n" {
		t.Errorf("got %q", got)
	}
	if err := os.WriteFile(filepath.Join(s.cfg.Data, "alloc", a.ID, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.logs(t, a.ID, "start", 6, true, "second\n"); got != "second\n" {
		t.Errorf("got %q", got)
	}
	plain, err := s.Raw().Response("/v1/client/fs/logs/"+a.ID+"?task=web&type=stdout&plain=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(plain)
	if err != nil || string(raw) != "first\nsecond\n" {
		t.Errorf("got %q, %v", raw, err)
	}
	if err := plain.Close(); err != nil {
		t.Error(err)
	}
	for query, want := range map[string]string{
		"task=nope&type=stdout": `unknown task name "nope"`,
		"task=web&type=nope":    "must provide log type (stdout/stderr)",
	} {
		if _, err := s.Raw().Response("/v1/client/fs/logs/"+a.ID+"?"+query, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", query, err)
		}
	}
}

func TestFilesCanBeReadButSecretsCanNot(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, "echo hello > local/file; ln -s /etc/passwd local/out; echo x > secrets/key; echo done; "+forever))
	id := s.running(t, "app", 1)["app.web[0]"].ID
	s.until(t, "it has written", func() bool { return s.log(t, id) != "" })
	a := &nomadapi.Allocation{ID: id}
	files, _, err := s.AllocFS().List(a, "/web", nil)
	if err != nil || !slices.ContainsFunc(files, func(f *nomadapi.AllocFileInfo) bool { return f.Name == "local" && f.IsDir }) {
		t.Errorf("got %v, %v", files, err)
	}
	if info, _, err := s.AllocFS().Stat(a, "web/local/file", nil); err != nil || info.Size != 6 {
		t.Errorf("got %+v, %v", info, err)
	}
	reader, err := s.AllocFS().Cat(a, "web/local/file", nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(reader)
	if err != nil || string(raw) != "hello\n" {
		t.Errorf("got %q, %v", raw, err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"web/secrets/key", "web/local/out", "../../../etc/passwd", "web/nope"} {
		if _, err := s.AllocFS().Cat(a, path, nil); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}
