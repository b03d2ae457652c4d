package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// golang builds the main packages of a Go source, and takes the other files along.
func (b *Builds) golang(ctx context.Context, t tree, job *paas.BuildJob, env environment, out *journal) error {
	work := filepath.Join(b.work(), job.ID)
	defer os.RemoveAll(work) //nolint:errcheck // what stays is removed at the next start
	g := gobuild{env: env, out: out, src: b.src(*job), bin: filepath.Join(work, "bin")}
	tmp := filepath.Join(work, "tmp")
	for _, dir := range []string{g.src, g.bin, tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return paas.Wrap(paas.Internal, err, "The folder for builds can't be written.")
		}
	}
	if main := job.Build.Main; main != "" {
		if dir, err := t.resolve(main); err != nil || !t.dirs[dir] {
			return paas.Errorf(paas.Invalid, "The source has no folder %q, which build names as main.", main)
		}
	}
	if err := b.materialize(ctx, t, g.src); err != nil {
		return err
	}
	goWork, modules, err := modulesOf(t, g.src)
	if err != nil {
		return err
	}
	for _, dir := range modules {
		g.patterns = append(g.patterns, "./"+path.Join(dir, "..."))
	}
	g.env.vars = append(slices.Clone(env.vars), "TMPDIR="+tmp, "GOWORK="+goWork, "PWD="+g.src)
	mains, err := g.mains(ctx, job.Build.Main)
	if err != nil {
		return err
	}
	if err := g.build(ctx, mains); err != nil {
		return err
	}
	entries, err := b.gather(t, ".", t.beside, out.note)
	if err != nil {
		return err
	}
	for _, m := range mains {
		binary, err := fromDisk(m.binary(), filepath.Join(g.bin, m.binary()))
		if err != nil {
			return paas.Wrap(paas.Internal, err, "go build made no binary of %s.", m.ImportPath)
		}
		entries = g.place(binary, entries)
	}
	job.Artifact, err = b.pack(ctx, entries)
	return err
}

// materialize writes the source to a folder, with its links. os.Root keeps every write inside.
func (b *Builds) materialize(ctx context.Context, t tree, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return paas.Wrap(paas.Internal, err, "The folder for builds can't be written.")
	}
	defer root.Close() //nolint:errcheck // nothing is written to it itself
	for _, p := range t.below(".") {
		if err := b.write(ctx, root, t.files[p]); err != nil {
			return paas.Wrap(paas.Internal, err, "The file %q of the source can't be written on the server.", p)
		}
	}
	return nil
}

func (b *Builds) write(ctx context.Context, root *os.Root, f paas.File) error {
	if err := root.MkdirAll(path.Dir(f.Path), 0o700); err != nil {
		return err
	}
	if f.Link != "" {
		return root.Symlink(f.Link, f.Path)
	}
	r, _, err := b.Blobs.Open(ctx, f.Digest)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	w, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, os.FileMode(f.Mode&0o777|0o600))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

// gobuild is the toolchain at work on one source.
type gobuild struct {
	env environment
	out *journal
	src string
	bin string
	// patterns name all packages of the source's modules.
	patterns []string
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Dir        string
	Target     string // where go install would put it
}

// mainOf is what an app spec calls a package: its folder below the source.
func (g gobuild) mainOf(p goPackage) string {
	dir, err := filepath.Rel(g.src, p.Dir)
	if err != nil || !filepath.IsLocal(dir) {
		return p.ImportPath
	}
	return "./" + filepath.ToSlash(dir)
}

// binary is the name go install would give: cmd/x gives x, example.com/y/v2 gives y.
func (p goPackage) binary() string { return filepath.Base(p.Target) }

// mains finds the main packages: the one named, or all of the module or of the workspace's modules.
func (g gobuild) mains(ctx context.Context, main string) ([]goPackage, error) {
	patterns := []string{main}
	if main == "" {
		patterns = g.patterns
	}
	text, err := g.list(ctx, append([]string{"list", "-json=ImportPath,Name,Dir,Target", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var mains []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, paas.Wrap(paas.Internal, err, "go list gave no JSON.")
		}
		if p.Name == "main" {
			mains = append(mains, p)
		}
	}
	switch {
	case len(mains) == 0 && main != "":
		return nil, paas.Errorf(paas.Invalid, "main = %q is not a main package: a program is a package named main with a func main.", main)
	case len(mains) == 0:
		return nil, paas.Errorf(paas.Invalid, "The source has no main package: a program is a package named main with a func main.")
	}
	by := map[string]goPackage{}
	for _, m := range mains {
		if other, taken := by[m.binary()]; taken {
			return nil, paas.Errorf(paas.Invalid, "The main packages %s and %s would both give a binary named %q. Choose one of them with main = %q in the build block.",
				other.ImportPath, m.ImportPath, m.binary(), g.mainOf(other))
		}
		by[m.binary()] = m
	}
	return mains, nil
}

// list runs go and gives what it prints; its complaints go to the journal.
func (g gobuild) list(ctx context.Context, args ...string) ([]byte, error) {
	var text bytes.Buffer
	err := g.run(ctx, &text, args...)
	return text.Bytes(), err
}

// build makes the binaries, named as go install does. Without symbols for a debugger: a third less to
// fetch for every node, and panics still name files and lines.
func (g gobuild) build(ctx context.Context, mains []goPackage) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", g.bin + string(filepath.Separator), "--"}
	for _, m := range mains {
		g.out.note("building %s of %s", m.binary(), m.ImportPath)
		args = append(args, m.ImportPath)
	}
	return g.run(ctx, g.out, args...)
}

func (g gobuild) run(ctx context.Context, stdout io.Writer, args ...string) error {
	command := exec.CommandContext(ctx, g.env.program, args...)
	command.Dir = g.src
	command.Env = g.env.vars
	command.Stdout = stdout
	command.Stderr = g.out
	ownGroup(command)
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return paas.Wrap(paas.Invalid, err, "go %s failed: %s", args[0], complaint(g.out.last()))
	}
	return paas.Wrap(paas.Internal, err, "go %s could not be run.", args[0])
}

var sourceLine = regexp.MustCompile(`\.go:\d+`)

// complaint picks the line that says most: the first with a place in the source, else the last that
// is not about progress.
func complaint(lines []string) string {
	for _, l := range lines {
		if sourceLine.MatchString(l) {
			return short(l)
		}
	}
	for _, l := range slices.Backward(lines) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "go: downloading") {
			return short(l)
		}
	}
	return "it said nothing"
}

// short makes a line part of a sentence; the log has it in full.
func short(line string) string {
	line = strings.TrimSuffix(strings.TrimSpace(line), "; to add it:") // the command is on the next line
	if runes := []rune(line); len(runes) > 300 {
		return string(runes[:300]) + " ..."
	}
	return line
}

// place adds a binary. What has its name in the source gives way.
func (g gobuild) place(binary entry, entries []entry) []entry {
	count := len(entries)
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return e.name == binary.name || strings.HasPrefix(e.name, binary.name+"/")
	})
	if gone := count - len(entries); gone > 0 {
		g.out.note("left out %s of the source at %s: the binary has that name", files(gone), binary.name)
	}
	return append(entries, binary)
}
