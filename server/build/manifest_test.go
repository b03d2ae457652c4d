package build_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/google/go-cmp/cmp"
)

func TestEveryFaultOfAManifestIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	here := r.put(map[string]string{"x": "content"})[0]
	file := func(path string) paas.File {
		return paas.File{Path: path, Mode: 0o644, Size: here.Size, Digest: here.Digest}
	}
	link := func(path, to string) paas.File { return paas.File{Path: path, Mode: 0o777, Link: to} }
	with := func(f paas.File, change func(*paas.File)) paas.File { change(&f); return f }

	good := []paas.File{
		file("good.go"), file("dir/ü/..."), file("dir/-x"), link("to-file", "good.go"), link("dir/up", "../good.go"), link("to-dir", "dir"),
		link("dangling", "nothing/here"), link("ring1", "ring2"), link("ring2", "ring1"), file("top/f"), link("through", "to-dir/../good.go"),
	}
	if _, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, good); err != nil {
		t.Fatalf("a good manifest: %v %v", err, paas.FaultsOf(err))
	}

	bad := append(good,
		file("/etc/passwd"), file("../up"), file("a/../b"), file("a//b"), file("./a"), file("."), file(""), file(`a\b`), file("a\x00b"), file("a\nb"),
		file("bad\xff"), file("a/"), file(strings.Repeat("n", 256)),
		file("good.go"), file("good.go/below"), file("to-dir/below"),
		link("abs", "/etc/passwd"), link("out", "../etc"), link("dir/out", "../../etc"),
		// Each looks harmless by its text; followed, it leaves: inner leads to the top, and then up.
		link("dir/inner", "../top"), link("dir/trick", "inner/../../etc"), link("lost", "nothing/../../etc"),
		link("slash", `a\b`), with(link("both", "good.go"), func(f *paas.File) { f.Digest = here.Digest }),
		with(file("suid"), func(f *paas.File) { f.Mode = 0o4755 }),
		with(file("negative"), func(f *paas.File) { f.Size = -1 }),
		with(file("short"), func(f *paas.File) { f.Size++ }),
		with(file("no-digest"), func(f *paas.File) { f.Digest = "" }),
		with(file("not-here"), func(f *paas.File) { f.Digest = digestOf("elsewhere") }),
	)
	_, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, bad)
	if paas.CodeOf(err) != paas.Invalid {
		t.Fatalf("Submit = %v", err)
	}
	got := map[string]int{}
	for _, f := range paas.FaultsOf(err) {
		got[f.Location]++
		if f.Message == "" || !strings.HasSuffix(f.Message, ".") {
			t.Errorf("fault %+v is no sentence", f)
		}
	}
	want := map[string]int{}
	for _, f := range bad[len(good):] {
		want[f.Path]++
	}
	delete(want, "dir/inner") // is good by itself
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults by file (-want +got):\n%s", diff)
	}
	if jobs, err := r.store.UnfinishedBuilds(t.Context()); err != nil || len(jobs) != 1 {
		t.Errorf("queue %v, %v: want the good one only", jobs, err)
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var files []paas.File
	for n := range 150 {
		files = append(files, paas.File{Path: fmt.Sprintf("../%d", n), Link: "x"})
	}
	_, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, files)
	faults := paas.FaultsOf(err)
	if len(faults) != 101 || faults[100].Message != "And 50 more." || !strings.Contains(paas.MessageOf(err), "150 faults") {
		t.Errorf("%d faults: %v", len(faults), err)
	}
}

func TestASourceThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *build.Config) { c.MaxBytes, c.MaxFiles = 1000, 3 })
	digest := digestOf("never sent")
	for name, files := range map[string][]paas.File{
		"one file":            {{Path: "a", Size: 1001, Digest: digest}},
		"in all":              {{Path: "a", Size: 600, Digest: digest}, {Path: "b", Size: 600, Digest: digest}},
		"beyond all integers": {{Path: "a", Size: 1<<63 - 1, Digest: digest}, {Path: "b", Size: 1<<63 - 1, Digest: digest}},
		"files":               {{Path: "a"}, {Path: "b"}, {Path: "c"}, {Path: "d"}},
	} {
		_, err := r.Submit(t.Context(), shop, paas.Build{Builder: paas.BuilderNone}, files)
		if paas.CodeOf(err) != paas.Quota || !strings.Contains(paas.MessageOf(err), ".crumpetignore") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
