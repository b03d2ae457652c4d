package client

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// found is a file or link that will be pushed.
type found struct {
	path string // slash-separated, relative
	info fs.FileInfo
	link string
}

// weight is what a file or all of a folder comes to.
type weight struct {
	bytes int64
	files int
}

// walk collects what is to be pushed, without reading any file of it.
type walk struct {
	ctx    context.Context // lives for one call of Pack
	root   string          // absolute, free of links
	cfg    PackConfig
	found  []found
	faults []paas.Fault
	total  weight
	sizes  map[string]*weight // by path of file or folder
}

// enough ends a walk that is far over the limits, such as one through a home folder: what has been
// seen by then names the culprits.
func (w *walk) enough() bool { return len(w.found) > 20*w.cfg.Files }

func (w *walk) over() bool { return w.total.bytes > w.cfg.Bytes || w.total.files > w.cfg.Files }

func (w *walk) fault(at, format string, args ...any) {
	w.faults = append(w.faults, paas.Fault{Location: at, Message: fmt.Sprintf(format, args...)})
}

// folder walks one folder; rules are those of the folders around it.
func (w *walk) folder(dir string, rules []rule) error {
	if err := w.ctx.Err(); err != nil {
		return fmt.Errorf("pack source: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(w.root, filepath.FromSlash(dir)))
	if err != nil {
		w.fault(dir, "%s can't be read: %s.", dir, reasonOf(err))
		return nil
	}
	rules = append(slices.Clip(rules), w.rulesOf(dir)...)
	for _, e := range entries {
		if w.enough() {
			return nil
		}
		p := path.Join(dir, e.Name())
		if leftOut(p) || ignored(rules, p, e.IsDir()) {
			continue
		}
		if wrong := checkName(e.Name()); wrong != "" {
			w.fault(p, "%q %s. Rename it, or name it in .crumpetignore.", p, wrong)
			continue
		}
		if e.IsDir() {
			if err := w.folder(p, rules); err != nil {
				return err
			}
			continue
		}
		w.file(p, e)
	}
	return nil
}

func (w *walk) file(p string, e fs.DirEntry) {
	f := found{path: p}
	var err error
	if f.info, err = e.Info(); err != nil {
		w.fault(p, "%s can't be read: %s.", p, reasonOf(err))
		return
	}
	switch mode := f.info.Mode(); {
	case mode.IsRegular():
		w.weigh(p, f.info.Size())
	case mode&fs.ModeSymlink != 0:
		if f.link = w.link(p); f.link == "" {
			return
		}
		w.weigh(p, 0)
	default:
		w.fault(p, "%s is a %s, which can't be pushed. Name it in .crumpetignore.", p, kindOf(mode))
		return
	}
	w.found = append(w.found, f)
}

// link gives the target of a link, or "" with a fault if it leaves the folder: by what it says, step
// by step, or by where it really ends.
func (w *walk) link(p string) string {
	full := filepath.Join(w.root, filepath.FromSlash(p))
	target, err := os.Readlink(full)
	if err != nil {
		w.fault(p, "Link %s can't be read: %s.", p, reasonOf(err))
		return ""
	}
	target = filepath.ToSlash(target)
	end, err := filepath.EvalSymlinks(full)
	outside := path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(p), target))
	if err == nil { // else it points to nothing, which leaves no more than its words say
		rel, err := filepath.Rel(w.root, end)
		outside = outside || err != nil || !filepath.IsLocal(rel)
	}
	switch {
	case outside:
		w.fault(p, "Link %s points to %s, which is outside of the folder. Put a copy in its place, or name it in .crumpetignore.", p, target)
	case checkName(target) != "":
		w.fault(p, "Link %s points to %q, which %s.", p, target, checkName(target))
	default:
		return target
	}
	return ""
}

func (w *walk) weigh(p string, size int64) {
	w.total.bytes += size
	w.total.files++
	for at := p; at != "."; at = path.Dir(at) {
		known := w.sizes[at]
		if known == nil {
			known = &weight{}
			w.sizes[at] = known
		}
		known.bytes += size
		known.files++
	}
}

func (w *walk) tooLarge(dir string) error {
	measure := func(x weight) int64 { return x.bytes }
	what := fmt.Sprintf("%s; at most %s can be pushed", size(w.total.bytes), size(w.cfg.Bytes))
	if w.total.files > w.cfg.Files {
		measure = func(x weight) int64 { return int64(x.files) }
		what = fmt.Sprintf("%d files; at most %d can be pushed", w.total.files, w.cfg.Files)
	}
	if w.enough() {
		what = "more than " + what
	}
	var list []string
	for _, p := range w.heaviest(measure) {
		files := fmt.Sprintf("%d files", w.sizes[p].files)
		if w.sizes[p].files == 1 {
			files = "1 file"
		}
		list = append(list, fmt.Sprintf("%s (%s, %s)", p, size(w.sizes[p].bytes), files))
	}
	return paas.Errorf(paas.Quota, "The folder %s has %s. The most is in %s. Name what the build does not need in %s.",
		dir, what, strings.Join(list, ", "), path.Join(filepath.ToSlash(dir), ignoreFile))
}

// heaviest gives the one folder or file that nearly everything is in, as deep as can be, or else the
// three heaviest at the top.
func (w *walk) heaviest(measure func(weight) int64) []string {
	for at := "."; ; {
		var inside []string
		for p := range w.sizes {
			if path.Dir(p) == at {
				inside = append(inside, p)
			}
		}
		slices.SortFunc(inside, func(a, b string) int {
			return cmp.Or(cmp.Compare(measure(*w.sizes[b]), measure(*w.sizes[a])), cmp.Compare(a, b))
		})
		switch {
		case len(inside) > 0 && measure(*w.sizes[inside[0]])*10 >= measure(w.total)*9:
			at = inside[0]
		case at == ".":
			return inside[:min(3, len(inside))]
		default:
			return []string{at}
		}
	}
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)/1024)
}

// leftOut says what is never pushed: the history, our own data, and what tells about the source
// without being of it. A changed env in the spec must not make another source.
func leftOut(p string) bool {
	switch path.Base(p) {
	case ".git", ".crumpet", ignoreFile:
		return true
	}
	return p == "crumpet.hcl"
}

// checkName says what is wrong with a name, as a predicate, or "".
func checkName(name string) string {
	switch {
	case !utf8.ValidString(name):
		return "has a name that is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has control characters in its name"
	case strings.ContainsRune(name, '\\'):
		return "has a backslash in its name"
	}
	return ""
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// reasonOf gives the system's words without the path, which the sentence has.
func reasonOf(err error) string {
	if e, ok := err.(*fs.PathError); ok { //nolint:errorlint // package os gives it bare
		return e.Err.Error()
	}
	return err.Error()
}
