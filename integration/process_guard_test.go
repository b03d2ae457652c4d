package integration_test

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startGuard starts dev's own guard for programs that a test starts itself: once release is called, or the test is dead
// however it died, it kills what has CRUMPET_DEV_DIR=DIR in its environment, tasks too, and takes away what Nomad in
// DIR/nomad or DIR/nomad-2 has mounted. Release returns when nothing of it is left.
func startGuard(t testing.TB, dir string) (release func()) {
	t.Helper()
	read, lifeline, err := os.Pipe() // its write end is open for as long as the test's process lives
	if err != nil {
		t.Fatal(err)
	}
	guard := exec.Command(crumpet, "devstack", "guard", "--dir", dir)
	guard.Stdin = read                                     // and no pipe for what it says: where nobody reads that any more, saying it would be its end
	guard.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no key of a terminal, and no end of the test's group, reaches it
	err = guard.Start()
	_ = read.Close() // the guard has its own
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		_ = lifeline.Close()
		if err := guard.Wait(); err != nil {
			t.Errorf("guard: %v", err)
		}
	})
	t.Cleanup(release)
	return release
}

// guardedChild names the folder whose guard TestGuard starts where it is run by itself.
const guardedChild = "INTEGRATION_GUARDED_CHILD"

// TestGuard: a test that is killed leaves no program that it has started.
func TestGuard(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(guardedChild); dir != "" {
		startGuard(t, dir)
		program := exec.Command("sleep", "1000")
		program.Env = append(os.Environ(), "CRUMPET_DEV_DIR="+dir)
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		_ = program.Wait() // this process is killed before
		return
	}
	d := &dev{t: t, dir: t.TempDir()}
	child := exec.Command(os.Args[0], "-test.run", "^TestGuard$")
	child.Env = append(os.Environ(), guardedChild+"="+d.dir, "CRUMPET_BIN="+crumpet)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the program runs", func() bool { return len(d.processes()) == 1 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	d.until(20*time.Second, "the program has ended with the test", func() bool { return len(d.processes()) == 0 })
}
