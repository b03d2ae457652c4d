package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/render"
)

func start(t *testing.T, cfg render.Config) *render.Renderer {
	t.Helper()
	r, err := render.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func first(t *testing.T, r *render.Renderer) []int {
	t.Helper()
	select {
	case changed := <-r.Changed():
		return changed
	case err := <-r.Failed():
		t.Fatal(err)
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was rendered")
	}
	return nil
}

func TestTemplatesAreRenderedBelowTheRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	plain := filepath.Join(root, "web/local/plain.txt")
	r := start(t, render.Config{
		Root: root, Env: map[string]string{"NOMAD_PORT_http": "20001"},
		Templates: []render.Template{
			{Data: `port {{ env "NOMAD_PORT_http" }}`, Dest: plain, Perms: "0640", Left: "{{", Right: "}}"},
			{Data: "A=1\nB=[[ env \"NOMAD_PORT_http\" ]]\n", Dest: filepath.Join(root, "web/secrets/env"), Perms: "0600", Left: "[[", Right: "]]"},
		},
	})
	if diff := cmp.Diff([]int{0, 1}, first(t, r)); diff != "" {
		t.Error(diff)
	}
	raw, err := os.ReadFile(plain)
	if err != nil || string(raw) != "port 20001" {
		t.Errorf("got %q, %v", raw, err)
	}
	if info, err := os.Stat(plain); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v", info, err)
	}
	raw, err = os.ReadFile(filepath.Join(root, "web/secrets/env"))
	if err != nil {
		t.Fatal(err)
	}
	vars, err := render.Env(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "1", "B": "20001"}, vars); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	outside := filepath.Join(filepath.Dir(root), "x")
	if _, err := render.Start(render.Config{Root: root, Templates: []render.Template{{Data: "x", Dest: outside, Perms: "0644"}}}); err == nil {
		t.Error("a destination outside was taken")
	}
	for name, data := range map[string]string{
		"a bad template":  "{{ nope",
		"a denied one":    `{{ plugin "sh" }}`,
		"a file outside":  `{{ file "/etc/passwd" }}`,
		"an unknown word": `{{ nope "x" }}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := render.Start(render.Config{Root: root, Templates: []render.Template{{Data: data, Dest: filepath.Join(root, "y"), Perms: "0644", Left: "{{", Right: "}}"}}})
			if err != nil {
				return
			}
			defer r.Close()
			select {
			case err := <-r.Failed():
				t.Log(err)
			case <-r.Changed():
				t.Error("it was rendered")
			case <-time.After(30 * time.Second):
				t.Error("no answer")
			}
		})
	}
}

func TestVariablesOfAFile(t *testing.T) {
	t.Parallel()
	got, err := render.Env("# a comment\n\nA=1\nexport B = two words \nC=\"q\\n\"\nD='$x #y'\nE=x # y\nF=\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "1", "B": "two words", "C": "q\n", "D": "$x #y", "E": "x", "F": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := render.Env("A=1\nnope\n"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}
