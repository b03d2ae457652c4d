package integration_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBrowserUI: an admin signs in, creates an app from a template, watches it go live, scales it, sets a secret and
// invites a viewer, who finds every action refused; axe looks at the main pages. What a reader sees is what it goes by.
func TestBrowserUI(t *testing.T) {
	t.Parallel()
	needsUI(t)
	d := startDev(t)
	d.journey("short", 3*time.Minute)
}

// TestUI: the whole journey, and then its first part with the keyboard alone. SCREENSHOTS=DIR keeps a picture of
// every page, light and dark, wide and on a phone.
func TestUI(t *testing.T) {
	if !proving {
		t.Skip("make prove STORY=ui makes the whole journey through the pages")
	}
	needsUI(t)
	d := startDev(t)
	for _, mode := range []string{"whole", "keyboard"} {
		t.Run(mode, func(t *testing.T) { d.in(t).journey(mode, 20*time.Minute) })
	}
}

const uiFolder = "../ui"

// needsUI skips, with its reason, where the pages can't be opened.
func needsUI(t testing.TB) {
	t.Helper()
	for _, name := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not on PATH: install it to make the journey through the pages", name)
		}
	}
	if _, err := os.Stat(filepath.Join(uiFolder, "node_modules", "playwright-core")); err != nil {
		t.Skip("ui/node_modules is missing: run `make ui` to make the journey through the pages")
	}
}

// journey runs ui/e2e/journey.mjs against the stack.
func (d *dev) journey(mode string, limit time.Duration) {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), limit)
	defer stop()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, d.info.Addr+"/apps", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	ask.Header.Set("Accept", "text/html")
	if _, page := answerTo(ask); strings.Contains(page, "not built into this program") {
		d.t.Skip("the UI is not built into the program: run `make build` where node is")
	}
	cmd := exec.CommandContext(ctx, "node", "e2e/journey.mjs")
	cmd.Dir = uiFolder
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Env = append(d.env(), "CRUMPET_URL="+d.info.Addr, "CRUMPET_USER="+d.info.User, "CRUMPET_PASSWORD="+d.info.Password,
		"MODE="+mode, "SHOTS="+os.Getenv("SCREENSHOTS"), "CHROMIUM="+chromium)
	cmd.WaitDelay = 5 * time.Second // its browser may hold the pipe
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("the journey ended with %v\n%s", errors.Join(err, ctx.Err()), out)
	}
	d.t.Logf("%s", out)
}
