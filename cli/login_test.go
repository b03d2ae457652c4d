package cli_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
)

// TestALoginOnATerminalGoesThroughTheBrowser has a program in place of the browser's opener that notes the
// page, and does what the page would do.
func TestALoginOnATerminalGoesThroughTheBrowser(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	script := "#!/bin/sh\nprintf '%s' \"$1\" > " + opened + ".part && mv " + opened + ".part " + opened + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "crumpet", "login", server.URL)
	cmd.Env = append(cmd.Environ(), "CRUMPET_TOKEN=", "CRUMPET_ADDR=", "HOME="+dir, "XDG_CONFIG_HOME="+dir, "DISPLAY=:0", "PATH="+dir+":"+os.Getenv("PATH"))
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // its program has ended
	screen := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(terminal) // the end of a terminal is an error
		screen <- string(text)
	}()

	page := await(t, opened)
	if page.Path != "/login/cli" || "http://"+page.Host != server.URL || len(page.Query().Get("challenge")) != 43 || page.Query().Get("host") == "" {
		t.Errorf("the page is %s", page)
	}
	redirect, state := page.Query().Get("redirect"), page.Query().Get("state")
	if !strings.HasPrefix(redirect, "http://127.0.0.1:") || !strings.HasSuffix(redirect, "/done") {
		t.Fatalf("the redirect is %q", redirect)
	}
	visit := func(query url.Values) (int, string) {
		t.Helper()
		answer, err := http.Get(redirect + "?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close() //nolint:errcheck // read to its end
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	if status, _ := visit(url.Values{"code": {apitest.LoginCode}, "state": {"guessed"}}); status != http.StatusBadRequest {
		t.Errorf("another state: %d", status)
	}
	if status, text := visit(url.Values{"code": {apitest.LoginCode}, "state": {state}}); status != http.StatusOK || !strings.Contains(text, "The CLI is signed in") {
		t.Errorf("%d %s", status, text)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, <-screen)
	}
	text := <-screen
	if !strings.Contains(text, "Logged in to "+server.URL+" as tester.") || strings.Contains(text, apitest.Token) || strings.Contains(text, apitest.LoginCode) {
		t.Errorf("the terminal shows %q", text)
	}
}

// await gives the URL that a file holds, once it is there.
func await(t *testing.T, path string) *url.URL {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		u, err := url.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	t.Fatal("no browser was opened")
	return nil
}
