package client

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// stamp is how a file looks from outside. Equal stamps mean equal contents, unless somebody took pains
// to deceive.
type stamp struct {
	Size  int64  `json:"size"`
	Time  int64  `json:"time"` // of the last change, ns
	Inode uint64 `json:"inode"`
}

// remembered is the digest of a file that looked so.
type remembered struct {
	stamp

	Digest string `json:"digest"`
}

// settled is how old a change must be for its stamp to be trusted: a second change within the clock's
// grain would leave the stamp as it is.
const settled = 2 * time.Second

// digests makes the manifest of what was found. Faults go to the walk.
func digests(ctx context.Context, w *walk, cache string) ([]paas.File, error) {
	index := indexFile(cache, w.root)
	known := readIndex(index)
	next := make(map[string]remembered, len(w.found))
	files := make([]paas.File, len(w.found))
	errs := make([]error, len(w.found))
	jobs := make(chan int)
	var mu sync.Mutex // guards next
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 8) {
		workers.Go(func() {
			for i := range jobs {
				f := w.found[i]
				look := stampOf(f.info)
				old, ok := known[f.path]
				if !ok || old.stamp != look || look.Inode == 0 {
					old.stamp = look
					old.Digest, old.Size, errs[i] = digestOf(filepath.Join(w.root, filepath.FromSlash(f.path)))
				}
				files[i] = paas.File{Path: f.path, Mode: modeOf(f.info.Mode()), Size: old.Size, Digest: old.Digest}
				if old.stamp == look && time.Since(time.Unix(0, look.Time)) > settled {
					mu.Lock()
					next[f.path] = old
					mu.Unlock()
				}
			}
		})
	}
	err := func() error {
		defer close(jobs)
		for i, f := range w.found {
			if f.link != "" {
				files[i] = paas.File{Path: f.path, Mode: 0o777, Link: f.link}
				continue
			}
			select {
			case jobs <- i:
			case <-ctx.Done():
				return fmt.Errorf("pack source: %w", ctx.Err())
			}
		}
		return nil
	}()
	workers.Wait()
	if err != nil {
		return nil, err
	}
	for i, err := range errs {
		if err != nil {
			w.fault(w.found[i].path, "%s can't be read: %s.", w.found[i].path, reasonOf(err))
		}
	}
	if len(w.faults) == 0 {
		writeIndex(index, next)
	}
	slices.SortFunc(files, func(a, b paas.File) int { return cmp.Compare(a.Path, b.Path) })
	return files, nil
}

func digestOf(file string) (digest string, size int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	hash := sha256.New()
	if size, err = io.Copy(hash, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

// modeOf keeps what git keeps, whether a file is executable: the rest depends on the umask of whoever
// made the copy, and would make another source of the same files.
func modeOf(mode fs.FileMode) uint32 {
	if mode&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{Size: info.Size(), Time: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Inode = sys.Ino
	}
	return s
}

// indexFile is where the digests of a folder are remembered, "" for nowhere.
func indexFile(cache, root string) string {
	if cache == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(cache, hex.EncodeToString(sum[:16])+".json")
}

// readIndex gives nothing for an index that is missing or broken: it only saves time.
func readIndex(file string) map[string]remembered {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var known map[string]remembered
	if json.Unmarshal(text, &known) != nil {
		return nil
	}
	return known
}

// writeIndex replaces the index in one step. If that fails the next push only takes longer.
func writeIndex(file string, index map[string]remembered) {
	if file == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	text, err := json.Marshal(index)
	if err != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return
	}
	_, err = tmp.Write(text)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // nothing more can be done
	}
}
