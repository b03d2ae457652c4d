package build_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

// cache is shared by all tests: the standard library is compiled once.
var cache string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "crumpet-build-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // the system's temporary folder
		cache = dir
		// What the developer's toolchain has compiled is not compiled again.
		if text, err := exec.Command("go", "env", "GOCACHE").Output(); err == nil {
			_ = os.Symlink(strings.TrimSpace(string(text)), filepath.Join(dir, "build")) // only slower without
		}
		return m.Run()
	}())
}

var shop = paas.AppRef{Team: "default", App: "shop"}

// rig is a queue with a real store and real blobs.
type rig struct {
	testing.TB
	*build.Builds
	store *store.Store
	blobs *blob.Store
	dir   string
	stop  func()
}

func newRig(t testing.TB, change func(*build.Config)) *rig {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(context.Background(), store.Config{Path: storetest.Path(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := build.Config{Store: s, Blobs: blobs, Dir: filepath.Join(dir, "build"), Cache: cache}
	if change != nil {
		change(&cfg)
	}
	b, err := build.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{TB: t, Builds: b, store: s, blobs: blobs, dir: dir, stop: func() {}}
}

// run starts the queue; the test's end stops it.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, 0) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.Errorf("Run: %v", err)
		}
	})
	r.Cleanup(r.stop)
	return r
}

// put makes a manifest of files by their contents, with the contents in the store. A name that ends
// in * is executable, a content that begins with -> is a link.
func (r *rig) put(files map[string]string) []paas.File {
	r.Helper()
	var list []paas.File
	for name, content := range files {
		f := paas.File{Path: strings.TrimSuffix(name, "*"), Mode: 0o640}
		if strings.HasSuffix(name, "*") {
			f.Mode = 0o700
		}
		if link, ok := strings.CutPrefix(content, "->"); ok {
			f.Link = link
		} else {
			digest, size, err := r.blobs.Put(context.Background(), strings.NewReader(content))
			if err != nil {
				r.Fatal(err)
			}
			f.Digest, f.Size = digest, size
		}
		list = append(list, f)
	}
	return list
}

func (r *rig) wait(id string) paas.BuildJob {
	r.Helper()
	return r.until(id, func(j paas.BuildJob) bool { return j.State == paas.BuildDone || j.State == paas.BuildFailed })
}

func (r *rig) until(id string, good func(paas.BuildJob) bool) paas.BuildJob {
	r.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		job, err := r.Build(context.Background(), id)
		if err != nil {
			r.Fatal(err)
		}
		if good(job) {
			return job
		}
		if time.Now().After(deadline) {
			r.Fatalf("build still %s after 3 minutes: %s", job.State, r.log(id))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *rig) log(id string) string {
	r.Helper()
	events, err := r.store.Events(context.Background(), paas.EventFilter{Limit: 1000})
	if err != nil {
		r.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		if e.Build == id && e.Kind == paas.EventBuildLog {
			lines = append(lines, e.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// build submits and waits.
func (r *rig) build(settings paas.Build, files map[string]string) paas.BuildJob {
	r.Helper()
	job, err := r.Submit(context.Background(), shop, settings, r.put(files))
	if err != nil {
		r.Fatalf("Submit: %v %v", err, paas.FaultsOf(err))
	}
	return r.wait(job.ID)
}

// unpack reads an artifact: name -> content, with a * after the names of executables.
func (r *rig) unpack(digest string) map[string]string {
	r.Helper()
	in, _, err := r.blobs.Open(context.Background(), digest)
	if err != nil {
		r.Fatal(err)
	}
	defer in.Close() //nolint:errcheck // only read
	zip, err := gzip.NewReader(in)
	if err != nil {
		r.Fatal(err)
	}
	files := map[string]string{}
	last := ""
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			r.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || h.Uid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 || h.Name <= last {
			r.Errorf("entry %+v after %q is not as artifacts are", h, last)
		}
		last = h.Name
		content, err := io.ReadAll(archive)
		if err != nil {
			r.Fatal(err)
		}
		name := h.Name
		switch h.Mode {
		case 0o755:
			name += "*"
		case 0o644:
		default:
			r.Errorf("mode %#o of %s", h.Mode, h.Name)
		}
		files[name] = string(content)
	}
}

func names(files map[string]string) string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestAnArtifactThatIsGoneIsBuiltAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil).run()
	files := map[string]string{"a": "1"}
	first := r.build(paas.Build{Builder: paas.BuilderNone}, files)
	if err := os.Remove(filepath.Join(r.dir, "blobs", "sha256", first.Artifact[:2], first.Artifact)); err != nil {
		t.Fatal(err)
	}
	job, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, r.put(files))
	if err != nil {
		t.Fatal(err)
	}
	if job.State != paas.BuildPending {
		t.Errorf("state %s, want pending", job.State)
	}
	if job = r.wait(job.ID); job.Artifact != first.Artifact {
		t.Errorf("built %s, was %s", job.Artifact, first.Artifact)
	}
	r.unpack(job.Artifact)
}

func TestStartReadsTheManifestBlob(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil).run()
	text, err := json.Marshal(r.put(map[string]string{"a": "1", "crumpet.hcl": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := r.blobs.Put(t.Context(), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	job, err := r.Start(t.Context(), paas.BuildJob{Team: "default", App: "shop", Source: digest, Build: paas.Build{Builder: paas.BuilderNone}})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(r.unpack(r.wait(job.ID).Artifact)); got != "a" {
		t.Errorf("artifact has %s", got)
	}
	for name, source := range map[string]string{"not there": digestOf("?"), "no digest": "../x"} {
		if _, err := r.Start(t.Context(), paas.BuildJob{Source: source, Build: paas.Build{Builder: paas.BuilderNone}}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"{}", "[1]", `[{"path":"a","owner":"me"}]`, "[] []", ""} {
		digest, _, err := r.blobs.Put(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Start(t.Context(), paas.BuildJob{Source: digest, Build: paas.Build{Builder: paas.BuilderNone}}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("manifest %q: %v", text, err)
		}
	}
}

func TestAPushMadeAgainJoinsTheBuildInTheQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil) // not running
	files := r.put(map[string]string{"a": "1"})
	first, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, files)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone, Dir: "."}, files)
	if err != nil {
		t.Fatal(err)
	}
	if second.ID != first.ID {
		t.Errorf("second build %s, want the first, %s", second.ID, first.ID)
	}
}

func TestBuildsOfAKilledServerAreTakenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	job, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, r.put(map[string]string{"a": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	job.State = paas.BuildRunning // and then the server was killed
	if err := r.store.PutBuild(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(r.dir, "build", "work", "old")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	r.run()
	if job = r.wait(job.ID); job.State != paas.BuildDone {
		t.Errorf("build %+v", job)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("the folder of the killed build is still there")
	}
}

func TestAServerThatLeadsNoMoreEndsNoBuild(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	past, err := r.store.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Lead(t.Context()); err != nil { // another server's
		t.Fatal(err)
	}
	job, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, r.put(map[string]string{"a": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // as long as such a server goes on unknowingly
	defer cancel()
	if err := r.Run(ctx, past); err != nil {
		t.Fatal(err)
	}
	job, err = r.Build(t.Context(), job.ID)
	if err != nil || job.State != paas.BuildPending {
		t.Errorf("the build is %q, %v; want it left for the leader", job.State, err)
	}
	events, err := r.store.Events(t.Context(), paas.EventFilter{})
	if err != nil || len(events) != 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestTooManyFilesForNomadIsSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *build.Config) { c.MaxArtifactFiles = 2 }).run()
	job := r.build(paas.Build{Builder: paas.BuilderNone}, map[string]string{"a": "1", "b": "2", "c": "3"})
	if job.State != paas.BuildFailed || !strings.Contains(job.Reason, "at most 2") {
		t.Errorf("build %+v", job)
	}
	if job.Artifact != "" {
		t.Errorf("a failed build has the artifact %s", job.Artifact)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, settings := range []paas.Build{
		{Builder: "maven"},
		{},
		{Builder: paas.BuilderNone, Dir: "../x"},
		{Builder: paas.BuilderStatic, Dir: "/etc"},
		{Builder: paas.BuilderGo, Main: "-toolexec=x"},
		{Builder: paas.BuilderGo, Main: "../x"},
		{Builder: paas.BuilderGo, Main: "./..."},
		{Builder: paas.BuilderGo, Main: "/x"},
		{Builder: paas.BuilderGo, Main: "x.go"},
		{Builder: paas.BuilderGo, Main: "example.com/x@latest"},
	} {
		if _, err := r.Submit(t.Context(), shop, settings, r.put(map[string]string{"a": "1"})); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%+v: %v", settings, err)
		}
	}
}
