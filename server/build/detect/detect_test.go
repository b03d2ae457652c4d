package detect_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crumpet-paas/crumpet/server/build/detect"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

var update = flag.Bool("update", false, "rewrite the crumpet.hcl of each folder in testdata")

// Each file of testdata is a folder, with the crumpet.hcl that is drafted for it last.
func TestDrafts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d folders: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			folder := fstest.MapFS{}
			want := ""
			for _, f := range archive.Files {
				if f.Name == spec.FileName {
					want = string(f.Data)
					continue
				}
				folder[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			got, err := detect.Detect(folder, name)
			if err != nil {
				t.Fatal(err)
			}
			if parsed, diags := spec.Parse(got.Text, spec.FileName); parsed == nil {
				t.Errorf("the draft is no app spec: %s\n%s", diags, got.Text)
			}
			if *update {
				rewrite(t, file, archive, got.Text)
				return
			}
			if diff := cmp.Diff(want, string(got.Text)); diff != "" {
				t.Errorf("run with -update and review the difference:\n%s", diff)
			}
		})
	}
}

func rewrite(t *testing.T, file string, archive *txtar.Archive, text []byte) {
	t.Helper()
	if n := len(archive.Files); archive.Files[n-1].Name == spec.FileName {
		archive.Files = archive.Files[:n-1]
	}
	archive.Files = append(archive.Files, txtar.File{Name: spec.FileName, Data: text})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestNothingKnownSaysWhatWasLookedFor(t *testing.T) {
	t.Parallel()
	_, err := detect.Detect(fstest.MapFS{"notes.txt": &fstest.MapFile{}}, "notes")
	if paas.CodeOf(err) != paas.NotFound || !strings.Contains(err.Error(), "go.mod") || !strings.Contains(err.Error(), `"notes"`) {
		t.Errorf("got %v", err)
	}
}

// Whatever stands in the files, the draft is an app spec.
func FuzzDetect(f *testing.F) {
	f.Add("web: ./a $PORT\nrelease: ./m", `CMD ["./a", "${x}"]`+"\nENV A=\"b\\\"\" C=d\nEXPOSE 80", `{"scripts":{"start":"node %{x} ${PORT:-3000}"}}`, "my folder")
	f.Add("web_1: echo \"$HOME\"", "EXPOSE 1/tcp\nHEALTHCHECK CMD curl http://localhost/health", "", "é")
	f.Fuzz(func(t *testing.T, procfile, dockerfile, manifest, name string) {
		folder := fstest.MapFS{}
		for file, text := range map[string]string{"Procfile": procfile, "Dockerfile": dockerfile, "package.json": manifest} {
			if text != "" {
				folder[file] = &fstest.MapFile{Data: []byte(text), Mode: fs.ModePerm}
			}
		}
		got, err := detect.Detect(folder, name)
		if err != nil {
			return
		}
		again, _ := detect.Detect(folder, name)
		if !bytes.Equal(got.Text, again.Text) {
			t.Error("a second draft differs")
		}
		if parsed, diags := spec.Parse(got.Text, spec.FileName); parsed == nil {
			t.Errorf("the draft is no app spec: %s\n%s", diags, got.Text)
		}
	})
}
