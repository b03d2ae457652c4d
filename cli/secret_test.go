package cli_test

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// TestASecretIsAskedForAndNotShown types one on a terminal.
func TestASecretIsAskedForAndNotShown(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	cmd := exec.CommandContext(t.Context(), "crumpet", "secret", "set", "API_KEY", "--app", "shop")
	cmd.Env = append(cmd.Environ(), "CRUMPET_ADDR="+server.URL, "CRUMPET_TOKEN="+apitest.Token, "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // its program has ended
	var screen strings.Builder
	buf := make([]byte, 4096)
	for typed := false; err == nil; { // the end of a terminal is an error
		var n int
		n, err = terminal.Read(buf)
		screen.Write(buf[:n])
		if !typed && strings.Contains(screen.String(), "Value of API_KEY (it is not shown):") {
			typed = true
			silent(t, terminal)
			if _, err := io.WriteString(terminal, " hunter2 x\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || strings.Contains(screen.String(), "hunter2") {
		t.Fatalf("%v: the terminal shows %q", err, screen.String())
	}
	shown, err := platform.Reveal(t.Context(), paas.AppRef{Team: "default", App: "shop"}, 0, nil, "tester")
	if err != nil || shown.Values["API_KEY"].Reveal() != " hunter2 x" || !shown.Version.Keys[0].Secret {
		t.Errorf("another value, or kind: %+v, %v", shown.Version, err)
	}
}
