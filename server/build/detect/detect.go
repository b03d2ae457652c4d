package detect

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Result is a draft of an app spec.
type Result struct {
	App  string // made from the folder's name, or what the source calls itself
	Kind string // what the source was taken for, for a sentence
	Text []byte // of crumpet.hcl
}

// maxFile is how much of a file is looked at, in bytes.
const maxFile = 256 << 10

// maxFiles is how many Go files are looked at.
const maxFiles = 500

// Detect drafts a spec for the source in fsys. name is that of the folder. Code not_found: nothing
// that Crumpet can run was recognised.
func Detect(fsys fs.FS, name string) (Result, error) {
	s := source{fsys}
	d := &draft{app: appName(name)}
	kinds := []func(source, *draft) bool{golang, node, python, static}
	known := slices.ContainsFunc(kinds, func(kind func(source, *draft) bool) bool { return kind(s, d) })
	docker := dockerfile(s, d)
	proc := procfile(s, d)
	if !known && !docker && !proc {
		return Result{}, paas.Errorf(paas.NotFound,
			"Nothing in the folder %q says how to run it: no go.mod, package.json, requirements.txt, pyproject.toml, index.html, Procfile or Dockerfile was found. Begin with `crumpet init --template go-web NAME`, or write a crumpet.hcl.", name)
	}
	if d.builder == "" {
		d.builder = string(paas.BuilderNone)
		d.because("The folder is taken as it is: nothing in it has to be built.")
	}
	return Result{App: d.app, Kind: d.kind, Text: d.text()}, nil
}

// draft is a spec in the making. Texts of processes are HCL expressions.
type draft struct {
	app, kind    string
	builder      string
	dir          string
	reasons      []string // of the build
	env          []variable
	processes    []process
	beforeDeploy []string // HCL expressions of the command of a task that runs before a deployment
	taskReasons  []string
}

type variable struct{ name, value string }

type process struct {
	name    string
	command []string // HCL expressions; none with static
	port    bool
	health  string // path
	reasons []string
}

func (d *draft) because(format string, args ...any) {
	d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
}

// appName makes a name of an app from any text.
func appName(text string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(text) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9' && b.Len() > 0:
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String()[:min(b.Len(), paas.MaxApp)], "-")
	if name == "" {
		return "app"
	}
	return name
}

// source reads files below one root.
type source struct{ fsys fs.FS }

// read gives the beginning of a file; ok is false if there is none.
func (s source) read(name string) (text string, ok bool) {
	f, err := s.fsys.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return string(b), err == nil
}

func (s source) has(name string) bool {
	info, err := fs.Stat(s.fsys, name)
	return err == nil && !info.IsDir()
}

// first gives the first of the files that is there, or "".
func (s source) first(names ...string) string {
	for _, name := range names {
		if s.has(name) {
			return name
		}
	}
	return ""
}

// skipped are folders that hold nobody's main program.
var skipped = []string{"vendor", "testdata", "node_modules", "examples", "example", "docs"}

// walk calls visit for every file with the suffix, up to maxFiles of them, in order.
func (s source) walk(suffix string, visit func(name string)) {
	seen := 0
	// A folder that can't be read is one in which nothing is found.
	_ = fs.WalkDir(s.fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return nil //nolint:nilerr // see above
		case entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || slices.Contains(skipped, base)):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, suffix):
			return nil
		case seen == maxFiles:
			return fs.SkipAll
		}
		seen++
		visit(name)
		return nil
	})
}
