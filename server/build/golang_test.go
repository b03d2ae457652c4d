package build_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func needGo(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not on PATH")
	}
}

func program(says string) string {
	return "package main\n\nfunc main() { println(" + strconv.Quote(says) + ") }\n"
}

func mod(path string) string { return "module " + path + "\n\ngo 1.21\n" }

// runs starts a binary of an artifact and gives what it says.
func runs(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for { // another test may fork while the file is open for writing, which Linux calls busy
		var err error
		if out, err = exec.CommandContext(t.Context(), file).CombinedOutput(); err == nil {
			return strings.TrimSpace(string(out))
		} else if !errors.Is(err, syscall.ETXTBSY) {
			t.Fatal(err)
		}
	}
}

func TestGoBuildsEveryMainPackageOfAModule(t *testing.T) {
	t.Parallel()
	needGo(t)
	r := newRig(t, nil).run()
	source := map[string]string{}
	root := filepath.Join("testdata", "module")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		source[strings.TrimSuffix(filepath.ToSlash(rel), ".txt")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	job := r.build(paas.Build{Builder: paas.BuilderGo}, source)
	if job.State != paas.BuildDone {
		t.Fatalf("%s\n%s", job.Reason, r.log(job.ID))
	}
	files := r.unpack(job.Artifact)
	want := "README.md hello* public/vendor/site.js sub* templates/page.html worker*"
	if got := names(files); got != want {
		t.Errorf("artifact has %s, want %s", got, want)
	}
	for name, says := range map[string]string{"hello*": "hello", "worker*": "worker", "sub*": "sub"} {
		if got := runs(t, files[name]); got != says {
			t.Errorf("%s says %q, want %q", name, got, says)
		}
	}
	if strings.Contains(files["hello*"], r.dir) {
		t.Error("the binary holds a path of the server")
	}
	if left, _ := os.ReadDir(filepath.Join(r.dir, "build", "work")); len(left) > 0 {
		t.Errorf("the build left %v", left)
	}

	narrowed := r.build(paas.Build{Builder: paas.BuilderGo, Main: "./cmd/worker"}, source)
	if got, want := names(r.unpack(narrowed.Artifact)), "README.md public/vendor/site.js sub/notes.txt templates/page.html worker*"; got != want {
		t.Errorf("with main artifact has %s, want %s (%s)", got, want, narrowed.Reason)
	}
	if !strings.Contains(r.log(job.ID), "left out 1 file of the source at sub: the binary has that name") {
		t.Errorf("the log does not tell of the clash:\n%s", r.log(job.ID))
	}

	// On another server, in another folder: the same bytes.
	if again := newRig(t, nil).run().build(paas.Build{Builder: paas.BuilderGo}, source); again.Artifact != job.Artifact {
		t.Errorf("equal source gave %s and %s", job.Artifact, again.Artifact)
	}
}

func TestGoBuildsAWorkspace(t *testing.T) {
	t.Parallel()
	needGo(t)
	r := newRig(t, nil).run()
	job := r.build(paas.Build{Builder: paas.BuilderGo}, map[string]string{
		"go.work":     "go 1.21\n\nuse (\n\t./api\n\t./tool\n)\n",
		"api/go.mod":  mod("example.com/api/v2"),
		"api/main.go": program("api"), "api/page.html": "x",
		"tool/go.mod": mod("example.com/tool"), "tool/cmd/fix/main.go": program("fix"),
		"unused/go.mod": mod("example.com/unused"), "unused/main.go": program("unused"),
	})
	if job.State != paas.BuildDone {
		t.Fatalf("%s\n%s", job.Reason, r.log(job.ID))
	}
	// The folder api gives way to the binary of example.com/api/v2.
	if got := names(r.unpack(job.Artifact)); got != "api* fix*" {
		t.Errorf("artifact has %s", got)
	}
}

func TestGoSourcesThatCantBeBuilt(t *testing.T) {
	t.Parallel()
	needGo(t)
	r := newRig(t, nil).run()
	for name, test := range map[string]struct {
		main  string
		files map[string]string
		want  string
		log   string
	}{
		"no go.mod": {files: map[string]string{"main.go": program("x")}, want: "The source has no go.mod. Make it a module"},
		"go.mod below": {
			files: map[string]string{"api/main.go": program("x"), "api/go.mod": mod("x")},
			want:  "The source has no go.mod at its top, but there is one in api.",
		},
		"no main package": {files: map[string]string{"go.mod": mod("x.test/x"), "x.go": "package x\n"}, want: "The source has no main package"},
		"main is no main package": {
			main: "./x", files: map[string]string{"go.mod": mod("x.test/x"), "x/x.go": "package x\n"},
			want: `main = "./x" is not a main package`,
		},
		"main is not there": {main: "./y", files: map[string]string{"go.mod": mod("x.test/x"), "main.go": program("x")}, want: `The source has no folder "./y", which build names as main.`},
		"one name twice": {
			files: map[string]string{"go.mod": mod("x.test/x"), "a/run/main.go": program("x"), "b/run/main.go": program("x")},
			want:  `The main packages x.test/x/a/run and x.test/x/b/run would both give a binary named "run". Choose one of them with main = "./a/run"`,
		},
		"it does not compile": {
			files: map[string]string{"go.mod": mod("x.test/x"), "main.go": "package main\n\nfunc main() {\n\tmissing()\n}\n"},
			want:  "go build failed: ./main.go:4:2: undefined: missing", log: "# x.test/x\n./main.go:4:2: undefined: missing",
		},
		"a module is missing": {
			files: map[string]string{"go.mod": mod("x.test/x"), "main.go": "package main\n\nimport _ \"y.test/y\"\n\nfunc main() {}\n"},
			want:  "go build failed: main.go:3:8: no required module provides package y.test/y", log: "go get y.test/y",
		},
		"it does not parse": {files: map[string]string{"go.mod": mod("x.test/x"), "main.go": "package main\nfunc {"}, want: "main.go:2"},
		"go.mod is broken":  {files: map[string]string{"go.mod": "modul x\n", "main.go": program("x")}, want: "go.mod:1: unknown directive: modul"},
		"replaced by what is outside": {
			files: map[string]string{"go.mod": mod("x.test/x") + "replace y.test/y => ../y\n", "main.go": program("x")},
			want:  "go.mod replaces y.test/y by ../y, which is outside of the source.",
		},
		"a workspace that reaches out": {files: map[string]string{"go.work": "go 1.21\n\nuse ../y\n"}, want: "go.work uses ../y, which is outside of the source."},
	} {
		t.Run(name, func(t *testing.T) {
			job := r.build(paas.Build{Builder: paas.BuilderGo, Main: test.main}, test.files)
			if job.State != paas.BuildFailed || !strings.Contains(job.Reason, test.want) {
				t.Errorf("%s, reason %q, want %q", job.State, job.Reason, test.want)
			}
			if strings.HasSuffix(job.Reason, ":") {
				t.Errorf("the reason breaks off: %s", job.Reason)
			}
			if strings.Contains(job.Reason, r.dir) {
				t.Errorf("the reason shows a folder of the server: %s", job.Reason)
			}
			if !strings.Contains(r.log(job.ID), test.log) {
				t.Errorf("log %q, want %q", r.log(job.ID), test.log)
			}
		})
	}
}

func TestNoToolchain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *build.Config) { c.Go = "go-is-not-here" }).run()
	job := r.build(paas.Build{Builder: paas.BuilderGo}, map[string]string{"go.mod": mod("x"), "main.go": program("x")})
	if !strings.Contains(job.Reason, "The server has no Go toolchain") {
		t.Errorf("reason %q", job.Reason)
	}
}

// script makes a program in the place of go that shows what it was given. It answers "go env".
func script(t *testing.T, then string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "go")
	text := "#!/bin/sh\nif [ \"$1\" = env ]; then echo '{\"GOPROXY\":\"https://bob:hunter2@proxy.invalid,off\",\"GOTOOLCHAIN\":\"local\"}'; exit 0; fi\n" + then
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

var anySource = map[string]string{"go.mod": mod("x"), "main.go": program("x")}

func TestABuilderSeesTheToolchainsSettingsOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *build.Config) {
		c.Go = script(t, "env >&2; exit 1")
		c.Environ = []string{"PATH=/bin:/usr/bin", "HOME=/root", "CRUMPET_TOKEN=topsecret", "VAULT_TOKEN=topsecret", "GOFLAGS=-mod=mod", "HTTPS_PROXY=http://p.invalid"}
		c.Cache = "" // its own
	}).run()
	job := r.build(paas.Build{Builder: paas.BuilderGo}, anySource)
	log := "\n" + r.log(job.ID) + "\n"
	got := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(log)) {
		name, _, _ := strings.Cut(line, "=")
		got[name] = true
	}
	for allowed := range strings.FieldsSeq("PATH HOME TMPDIR PWD GOENV GOFLAGS GOWORK GOCACHE GOMODCACHE GOPATH CGO_ENABLED GOOS GOARCH GOPROXY GOTOOLCHAIN HTTPS_PROXY") {
		if !got[allowed] {
			t.Errorf("%s is missing", allowed)
		}
		delete(got, allowed)
	}
	for _, shell := range []string{"_", "SHLVL", "OLDPWD"} {
		delete(got, shell)
	}
	for name := range got {
		t.Errorf("%s is passed on", name)
	}
	for _, want := range []string{"\nGOFLAGS=-modcacherw\n", "\nGOPROXY=https://bob:[redacted]@proxy.invalid,off\n", "\nCGO_ENABLED=0\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{"topsecret", "hunter2"} {
		if strings.Contains(log+job.Reason, secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

func TestALongOutputIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *build.Config) {
		c.Go = script(t, `i=0; while [ $i -lt 200 ]; do echo "line $i" >&2; i=$((i+1)); done; head -c 100000 /dev/zero | tr '\0' x >&2; printf '\nthe end' >&2; exit 1`)
		c.MaxLines = 50
	}).run()
	job := r.build(paas.Build{Builder: paas.BuilderGo}, anySource)
	lines := strings.Split(r.log(job.ID), "\n")
	if len(lines) != 71 || lines[49] != "line 49" || !strings.Contains(lines[50], "more than 50 lines") || lines[51] != "line 182" || lines[70] != "the end" {
		t.Errorf("%d lines: %.300q ... %.80q", len(lines), lines[48:52], lines[len(lines)-1])
	}
	if long := lines[69]; len(long) > 2100 || !strings.HasSuffix(long, "(cut)") {
		t.Errorf("the long line has %d bytes", len(long))
	}
	if job.Reason != "go list failed: the end" {
		t.Errorf("reason %q", job.Reason)
	}
}

// hang starts a child and writes both process ids to a file.
func hang(t *testing.T) (program, pids string) {
	pids = filepath.Join(t.TempDir(), "pids")
	return script(t, fmt.Sprintf("sleep 600 & echo $$ $! > %s.new; mv %s.new %s; wait", pids, pids, pids)), pids
}

func gone(t *testing.T, pids string) {
	t.Helper()
	text, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d still lives", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// alive is false for a zombie that nobody has waited for yet.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestABuildThatTakesTooLongIsEndedWithItsChildren(t *testing.T) {
	t.Parallel()
	program, pids := hang(t)
	r := newRig(t, func(c *build.Config) { c.Go, c.Timeout = program, 2*time.Second }).run()
	job := r.build(paas.Build{Builder: paas.BuilderGo}, anySource)
	if !strings.Contains(job.Reason, "ended after 2s") {
		t.Errorf("reason %q", job.Reason)
	}
	gone(t, pids)
}

func TestTheEndOfTheServerEndsABuildAndKeepsItInTheQueue(t *testing.T) {
	t.Parallel()
	program, pids := hang(t)
	r := newRig(t, func(c *build.Config) { c.Go = program }).run()
	job, err := r.Submit(context.Background(), shop, paas.Build{Builder: paas.BuilderGo}, r.put(anySource))
	if err != nil {
		t.Fatal(err)
	}
	r.until(job.ID, func(paas.BuildJob) bool { _, err := os.Stat(pids); return err == nil })
	r.stop()
	gone(t, pids)
	left, err := r.store.UnfinishedBuilds(context.Background())
	if err != nil || len(left) != 1 || left[0].ID != job.ID {
		t.Errorf("queue %+v, %v", left, err)
	}
}
