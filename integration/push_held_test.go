package integration_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPushOutlastsASilentRouter: while a canary's step is held for a while, the router does not answer, so that nobody
// knows what it does and the deployment is paused. That ends by itself, as the hold does: a push goes on waiting, and when
// it is done the new release has all requests.
func TestPushOutlastsASilentRouter(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "walker")
	const canary = `strategy = "canary"
    canary {
      traffic = [50]
      hold    = "12s"
    }`
	shareSpec(t, app, 1, canary)
	d.ok(app, "push")
	shareSpec(t, app, 2, canary)
	push, out := d.command(t.Context(), app, "push"), &buffer{}
	push.Stdout, push.Stderr = out, out
	ended := startPush(t, push)
	d.until(2*time.Minute, "the canary is held", func() bool { return d.deployments("walker")[0].Waits == "hold" })

	router := d.info.Pids["router"]
	if err := syscall.Kill(router, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(router, syscall.SIGCONT) }) // it may have ended
	d.until(30*time.Second, "the deployment is paused", func() bool {
		w := d.deployments("walker")[0]
		return w.State == "paused" && w.Waits == "hold" && strings.Contains(w.Reason, "does not answer")
	})
	seen := time.Now()
	d.until(10*time.Second, "the push had time to look", func() bool { return time.Since(seen) > 2*time.Second })
	if err := syscall.Kill(router, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	if w := d.deployments("walker")[0]; w.State != "healthy" {
		t.Errorf("the push ended while its deployment was %s at step %d of %d, waits %q:\n%s", w.State, w.Step+1, len(w.Steps), w.Waits, out)
	}
	d.answersFrom("walker.localhost", 40, map[int][2]int{2: {40, 40}})
}

// startPush begins a push, and tells how it ended.
func startPush(t *testing.T, push *exec.Cmd) <-chan error {
	t.Helper()
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- push.Wait() }()
	return ended
}
