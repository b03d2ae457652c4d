package integration_test

import (
	"bytes"
	"context"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBrowser: a person pushes the sample app, opens the URL that push prints, changes the greeting and
// opens it again. SCREENSHOTS=DIR keeps the pictures.
func TestBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not on PATH: install it to open the sample app in a browser")
	}
	d := startDev(t)
	app := newHello(t, d)
	url := pageURL(t, d.ok(app, "push"))

	text := browse(t, chromium, url, "first")
	shows(t, text, "Hello from hello")
	d.showsWhoAnswers(text)

	edit(t, filepath.Join(app, "crumpet.hcl"), "Hello from hello", "Good evening")
	if again := pageURL(t, d.ok(app, "push")); again != url {
		t.Errorf("the second push prints %s, the first printed %s", again, url)
	}
	text = browse(t, chromium, url, "second")
	shows(t, text, "Good evening")
	if strings.Contains(text, "Hello from hello") {
		t.Errorf("the greeting of the first push is still shown:\n%s", text)
	}
	d.showsWhoAnswers(text)
}

// pageURL finds the URL of hello in what push prints.
func pageURL(t testing.TB, out string) string {
	t.Helper()
	url := regexp.MustCompile(`http://hello\.localhost:\d+/`).FindString(out)
	if url == "" {
		t.Fatalf("push prints no URL of the app:\n%s", out)
	}
	return url
}

// browse opens a page in a browser that was never used before, and returns the text a reader sees.
func browse(t testing.TB, chromium, url, name string) string {
	t.Helper()
	picture := filepath.Join(orElse(os.Getenv("SCREENSHOTS"), t.TempDir()), name+".png")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
		"--user-data-dir="+t.TempDir(), "--window-size=900,700", "--timeout=20000",
		"--screenshot="+picture, "--dump-dom", url)
	cmd.WaitDelay = 5 * time.Second // its children may hold the pipe
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium %s: %v\n%s", url, err, &errOut)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() == 0 {
		t.Errorf("no picture of %s: %v\n%s", url, err, &errOut)
	}
	return readable(out.String())
}

var (
	hidden = regexp.MustCompile(`(?s)<(style|script|title)\b.*?</(style|script|title)>`)
	tag    = regexp.MustCompile(`<[^>]*>`)
)

// readable takes away from a document what is markup.
func readable(dom string) string {
	text := tag.ReplaceAllString(hidden.ReplaceAllString(dom, ""), "\n")
	return strings.Join(strings.FieldsFunc(html.UnescapeString(text), func(r rune) bool { return r == '\n' }), "\n")
}

func shows(t testing.TB, text, want string) {
	t.Helper()
	if !slices.Contains(strings.Split(text, "\n"), want) {
		t.Errorf("the page shows no line %q:\n%s", want, text)
	}
}

// showsWhoAnswers compares the page with what the CLI and the API say of the release that serves.
func (d *dev) showsWhoAnswers(text string) {
	d.t.Helper()
	s := d.status("hello")
	lines := strings.Split(text, "\n")
	known := false
	for _, i := range s.Instances {
		if i.Process == "web" && i.Release == s.Release && slices.Contains(lines, i.ID) {
			known = true
		}
	}
	if !known {
		d.t.Errorf("the page shows no allocation of release %d: %+v\n%s", s.Release, s.Instances, text)
	}
	shows(d.t, text, d.artifact("hello", s.Release)[:12])
}
