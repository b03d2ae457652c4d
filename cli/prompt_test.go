package cli_test

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
)

// TestAPasswordIsAskedForAndNotShown types one on a terminal.
func TestAPasswordIsAskedForAndNotShown(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	cmd := exec.CommandContext(t.Context(), "crumpet", "providers", "add", "postgres", "main", "--url", "postgres://admin@db.example.com/postgres")
	cmd.Env = append(cmd.Environ(), "CRUMPET_ADDR="+server.URL, "CRUMPET_TOKEN="+apitest.Token, "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // its program has ended
	var screen strings.Builder
	buf := make([]byte, 4096)
	typed := false
	for {
		n, err := terminal.Read(buf)
		screen.Write(buf[:n])
		if !typed && strings.Contains(screen.String(), "(it is not shown):") {
			typed = true
			silent(t, terminal)
			if _, err := io.WriteString(terminal, "hunter2\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // the end of a terminal is an error
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, screen.String())
	}
	if text := screen.String(); !strings.Contains(text, "Password of admin at db.example.com (it is not shown):") || strings.Contains(text, "hunter2") {
		t.Errorf("the terminal shows %q", text)
	}
	if added := platform.Services().Added(); len(added) != 1 || added[0].Password.Reveal() != "hunter2" {
		t.Errorf("%d providers, or another password", len(added))
	}
}

// silent waits until a terminal shows nothing of what is typed: whoever types needs longer than that.
func silent(t *testing.T, terminal *os.File) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the terminal still shows what is typed")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
