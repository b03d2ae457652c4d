package build_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestNoneTakesTheFolderAsItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil).run()
	job := r.build(paas.Build{Builder: paas.BuilderNone}, map[string]string{
		"run.sh*": "#!/bin/sh", "data/ü.txt": "x", ".env": "A=1", "crumpet.hcl": "app", "link": "->data", "file": "->data/ü.txt",
		"loop/self": "->../loop", "loop/x": "y", "lost": "->nothing",
	})
	if job.State != paas.BuildDone || job.Runtime != "" {
		t.Fatalf("build %+v", job)
	}
	files := r.unpack(job.Artifact)
	if got, want := names(files), ".env data/ü.txt file link/ü.txt loop/x run.sh*"; got != want {
		t.Errorf("artifact has %s, want %s", got, want)
	}
	if files["file"] != "x" || files["link/ü.txt"] != "x" {
		t.Errorf("links have other contents: %q", files)
	}
	for _, line := range []string{"left out the link lost", "left out the link loop/self"} {
		if !strings.Contains(r.log(job.ID), line) {
			t.Errorf("the log does not say %q:\n%s", line, r.log(job.ID))
		}
	}
	again, other := newRig(t, nil).run(), map[string]string{"b": "2", "a*": "1"}
	if one, two := r.build(paas.Build{Builder: paas.BuilderNone}, other), again.build(paas.Build{Builder: paas.BuilderNone}, other); one.Artifact != two.Artifact {
		t.Errorf("equal input gave %s and %s", one.Artifact, two.Artifact)
	}
}

func TestStaticTakesPublicFilesAndCrumpetItself(t *testing.T) {
	t.Parallel()
	self := filepath.Join(t.TempDir(), "crumpet-1.2")
	if err := os.WriteFile(self, []byte("the program"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *build.Config) { c.Executable = self }).run()
	files := map[string]string{
		"site/index.html": "hi", "site/.git/config": "secret", "site/.env": "secret", "site/.well-known/security.txt": "mail",
		"site/logo.svg": "->../assets/logo.svg", "assets/logo.svg": "<svg/>", "README.md": "no",
	}
	job := r.build(paas.Build{Builder: paas.BuilderStatic, Dir: "./site/"}, files)
	if got, want := names(r.unpack(job.Artifact)), ".well-known/security.txt index.html logo.svg"; got != want {
		t.Errorf("artifact has %s, want %s", got, want)
	}
	if got := r.unpack(job.Runtime); got["crumpet*"] != "the program" {
		t.Errorf("runtime has %q", got)
	}

	// The same source later, after crumpet itself was replaced: the old artifact, the new crumpet.
	if err := os.WriteFile(self, []byte("the newer program"), 0o700); err != nil {
		t.Fatal(err)
	}
	again, err := r.Submit(t.Context(), paas.AppRef{Team: "default", App: "other"}, paas.Build{Builder: paas.BuilderStatic, Dir: "site"}, r.put(files))
	if err != nil {
		t.Fatal(err)
	}
	if again.State != paas.BuildDone || again.Artifact != job.Artifact || again.ID == job.ID || again.App != "other" {
		t.Errorf("second build %+v of the first %+v", again, job)
	}
	if got := r.unpack(again.Runtime); got["crumpet*"] != "the newer program" {
		t.Errorf("runtime has %q", got)
	}

	job = r.build(paas.Build{Builder: paas.BuilderStatic, Dir: "sit"}, files)
	if job.State != paas.BuildFailed || !strings.Contains(job.Reason, `"sit"`) {
		t.Errorf("a folder that is not there: %+v", job)
	}
}
