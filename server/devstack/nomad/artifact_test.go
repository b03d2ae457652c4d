package nomad_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"
)

func TestAnArtifactThatFailsIsRetried(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	j := job("app", 1, forever)
	j.TaskGroups[0].RestartPolicy = &nomadapi.RestartPolicy{Attempts: new(1), Interval: new(time.Hour), Delay: new(time.Millisecond), Mode: new("fail")}
	j.TaskGroups[0].Tasks[0].Artifacts = []*nomadapi.TaskArtifact{{GetterSource: new(s.addr + "/v1/job/nope?sig=hush")}}
	s.register(t, j)
	ts := s.only(t, "app", "failed").TaskStates["web"]
	want := []string{
		"Received", "Task Setup", "Downloading Artifacts", "Failed Artifact Download", "Restarting",
		"Downloading Artifacts", "Failed Artifact Download", "Not Restarting",
	}
	if diff := cmp.Diff(want, kinds(ts)); diff != "" {
		t.Error(diff)
	}
	if got := ts.Events[3].DisplayMessage; !strings.Contains(got, "bad response code: 404") || strings.Contains(got, "hush") {
		t.Errorf("got %s", got)
	}
}

// A dev that ends ends all tasks, and forgets their runs; at the next start the task is started anew before what
// serves artifacts is there.
func TestAnArtifactIsFetchedOnceForAnAllocation(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	artifacts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello")) // the task's log says whether it was read
	}))
	j := job("app", 1, "echo pid=$$ $(cat local/greeting); "+forever)
	j.TaskGroups[0].Tasks[0].Artifacts = []*nomadapi.TaskArtifact{{GetterSource: new(artifacts.URL + "/greeting")}}
	s.register(t, j)
	a := s.running(t, "app", 1)["app.web[0]"]
	told := func(times int) string {
		s.until(t, "it says what it has", func() bool { return strings.Count(s.log(t, a.ID), "hello\n") == times })
		lines := strings.Split(strings.TrimSpace(s.log(t, a.ID)), "\n")
		return lines[len(lines)-1]
	}
	pid, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(told(1), "pid="), " hello"))
	if err != nil {
		t.Fatal(err)
	}
	artifacts.Close()
	s.stop()
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(s.cfg.Data, "run")); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	told(2)
	if ts := s.running(t, "app", 1)["app.web[0]"].TaskStates["web"]; slices.Contains(kinds(ts), "Failed Artifact Download") {
		t.Errorf("it was fetched again: %v", kinds(ts))
	}
}
