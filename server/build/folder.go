package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// static takes the files of a folder to be served, and crumpet itself to serve them.
func (b *Builds) static(ctx context.Context, t tree, job *paas.BuildJob, out *journal) error {
	err := b.folder(ctx, t, job, out, public)
	if err != nil {
		return err
	}
	job.Runtime, err = b.runtime(ctx)
	return err
}

// none takes the files of a folder as they are.
func (b *Builds) none(ctx context.Context, t tree, job *paas.BuildJob, out *journal) error {
	return b.folder(ctx, t, job, out, func(string) bool { return true })
}

func (b *Builds) folder(ctx context.Context, t tree, job *paas.BuildJob, out *journal, keep func(string) bool) error {
	dir, err := t.resolve(job.Build.Dir)
	if err != nil || !t.dirs[dir] {
		return paas.Errorf(paas.Invalid, "The source has no folder %q, which build names as dir.", job.Build.Dir)
	}
	entries, err := b.gather(t, dir, keep, out.note)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return paas.Errorf(paas.Invalid, "The folder %q of the source has no file to take.", job.Build.Dir)
	}
	out.note("taking %s of %s", files(len(entries)), job.Build.Dir)
	job.Artifact, err = b.pack(ctx, entries)
	return err
}

// files counts them in words.
func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// public leaves out what begins with a dot, which is nobody's business, except .well-known (RFC 8615).
func public(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != ".well-known" {
			return false
		}
	}
	return true
}

// runtimeIndex says which artifact holds the executable that looked so.
type runtimeIndex struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	ModTime int64  `json:"mod_time"` // ns
	Digest  string `json:"digest"`
}

// runtime gives the artifact that holds the executable as "crumpet". It is made once for each
// executable: packing 30 MB takes a second, which no push should pay.
func (b *Builds) runtime(ctx context.Context) (string, error) {
	b.runtimeMu.Lock()
	defer b.runtimeMu.Unlock()
	file, err := filepath.EvalSymlinks(b.Executable)
	if err != nil {
		return "", paas.Wrap(paas.Internal, err, "The crumpet program that serves static sites is not at %s.", b.Executable)
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", paas.Wrap(paas.Internal, err, "The crumpet program that serves static sites is not at %s.", file)
	}
	want := runtimeIndex{Path: file, Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	index := filepath.Join(b.Dir, "runtime.json")
	var known runtimeIndex
	if text, err := os.ReadFile(index); err == nil && json.Unmarshal(text, &known) == nil { // without an index it is made anew
		want.Digest = known.Digest
		if known == want {
			if missing, err := b.Blobs.Missing(ctx, []string{known.Digest}); err != nil || len(missing) == 0 {
				return known.Digest, err
			}
		}
	}
	program, err := fromDisk("crumpet", file)
	if err != nil {
		return "", paas.Wrap(paas.Internal, err, "The crumpet program that serves static sites can't be read.")
	}
	if want.Digest, err = b.pack(ctx, []entry{program}); err != nil {
		return "", err
	}
	text, err := json.Marshal(want)
	if err != nil {
		return "", paas.Wrap(paas.Internal, err, "The index of runtimes can't be written.")
	}
	if err := os.WriteFile(index, text, 0o600); err != nil { // only a saving: next time it is made again
		b.Log.WarnContext(ctx, "runtime index not written", "err", err)
	}
	return want.Digest, nil
}
