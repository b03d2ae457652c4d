package bootstrap

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// programs puts the programs of each role on the machines: every version as a file of its own, and a link to the one
// in use. A program that runs goes on as it is: the step of its service restarts it.
//
// Beside a program lies a note of the archive that it came from, so that a plan need not unpack, or load, anything to
// find that nothing has changed.
type programs struct{}

func (programs) Name() string { return "programs" }

func (programs) About() string {
	return "the programs of each role, checked, under " + agents.Programs
}

func (programs) Plan(ctx context.Context, w *World) ([]Change, error) {
	wanted, err := w.artifacts(ctx)
	if err != nil {
		return nil, err
	}
	return w.Changes(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, h Host) ([]Change, error) {
		has, err := w.installed(ctx, m, h)
		if err != nil {
			return nil, err
		}
		var changes []Change
		for _, a := range wanted.of(m, has.arch) {
			switch has.lacks(a) {
			case lacksProgram:
				changes = append(changes, Change{Text: fmt.Sprintf("install %s %s from %s", a.program.Command, a.program.Version, a.source)})
			case lacksLink:
				changes = append(changes, Change{Text: fmt.Sprintf("use %s %s", a.program.Command, a.program.Version)})
			}
		}
		return changes, nil
	})
}

func (programs) Do(ctx context.Context, w *World) error {
	wanted, err := w.artifacts(ctx)
	if err != nil {
		return err
	}
	// Asked once for all: each answer costs a machine the digests of all its programs.
	var mu sync.Mutex // guards has
	has := map[string]installed{}
	err = w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, h Host) error {
		is, err := w.installed(ctx, m, h)
		mu.Lock()
		defer mu.Unlock()
		has[m.Name] = is
		return err
	})
	if err != nil {
		return err
	}
	// One after the other: one of them lies unpacked here at a time, and goes to all machines at once.
	for _, a := range wanted {
		if err := w.install(ctx, a, has); err != nil {
			return err
		}
	}
	return nil
}

func (programs) Undo(ctx context.Context, w *World) error {
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, h Host) error {
		_, err := h.Run(ctx, removing([]string{agents.Programs})+relinking(), nil)
		return err
	})
}

// install brings an artifact to the machines that lack it.
func (w *World) install(ctx context.Context, a artifact, has map[string]installed) error {
	var lack []fleet.Machine
	whole := false
	for _, m := range w.Fleet.Machines {
		if is := has[m.Name]; a.isFor(m, is.arch) && is.lacks(a) != "" {
			lack = append(lack, m)
			whole = whole || is.lacks(a) == lacksProgram
		}
	}
	if len(lack) == 0 {
		return nil
	}
	var file unpacked
	if whole {
		w.Say("getting %s %s", a.program.Command, a.program.Version)
		var err error
		if file, err = w.unpack(ctx, a); err != nil {
			return err
		}
		defer func() { _ = file.content.Close() }()
	}
	return w.Each(ctx, lack, func(ctx context.Context, m fleet.Machine, h Host) error {
		if has[m.Name].lacks(a) == lacksProgram {
			if err := w.place(ctx, m, h, a, file, has[m.Name]); err != nil {
				return err
			}
		}
		_, err := h.Run(ctx, linkScript(a.program), nil)
		return err
	})
}

// place uploads a program where another or none lies, and asks it which version it is before it gets its name.
func (w *World) place(ctx context.Context, m fleet.Machine, h Host, a artifact, file unpacked, has installed) error {
	name := programFile(a.program)
	if has.digests[name] != file.digest {
		w.Say("uploading %s %s to %s", a.program.Command, a.program.Version, m.Name)
		if err := h.Upload(ctx, name+".new", io.NewSectionReader(file.content, 0, file.size), file.size, 0o755); err != nil {
			return err
		}
		said, err := h.Run(ctx, versionScript(a.program, name+".new"), nil)
		if err != nil {
			return err
		}
		if !says(string(said), a.program.Version) {
			first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
			return paas.Errorf(paas.Invalid, "The program from %s says it is %q, and cluster.hcl wants version %s of %s.", a.source, first, a.program.Version, a.program.Name)
		}
		if _, err := h.Run(ctx, fmt.Sprintf("mv -f -T -- %[1]s.new %[1]s\n", name), nil); err != nil {
			return err
		}
	}
	// Last: what this says of the program is true.
	return h.Write(ctx, File{Path: noteFile(a.program), Content: []byte(a.digest + " " + file.digest + "\n"), Mode: 0o644})
}

func noteFile(p fleet.Program) string { return programFile(p) + ".sha256" }

// linkScript switches to a version in one step: whoever starts the program meanwhile gets the one or the other.
func linkScript(p fleet.Program) string {
	return fmt.Sprintf("set -e\ncd %[1]s\nln -sfn -- %[2]s-%[3]s .%[2]s.next\nmv -fT -- .%[2]s.next %[2]s\n", agents.Programs, p.Name, p.Version)
}

// versionScript asks a program. Fabio takes anything that is no flag for nothing, and serves.
func versionScript(p fleet.Program, file string) string {
	word := "version"
	if p.Name == fleet.Fabio {
		word = "-version"
	}
	return fmt.Sprintf("cd /\nexec env -i PATH=/usr/bin:/bin HOME=/nonexistent timeout 60 %s %s </dev/null\n", file, word)
}

var versionWord = regexp.MustCompile(`[0-9]+(\.[0-9]+)+[0-9A-Za-z.+-]*`)

// says finds a version among the words that a program says of itself: "Nomad v1.10.0", "1.7.3 go1.26".
func says(said, version string) bool {
	first, _, _ := strings.Cut(said, "\n")
	if slices.Contains(versionWord.FindAllString(first, -1), version) {
		return true
	}
	return slices.Contains(strings.Fields(first), version)
}

// What a machine lacks of an artifact.
const (
	lacksProgram = "program"
	lacksLink    = "link"
)

// installed is what a machine has.
type installed struct {
	arch    string            // in Go's words
	digests map[string]string // of each program file
	notes   map[string]string // what lies beside each
	links   map[string]string // name to what it points to
}

func (i installed) lacks(a artifact) string {
	name := programFile(a.program)
	digest := i.digests[name]
	switch {
	case digest == "" || i.notes[name] != a.digest+" "+digest:
		return lacksProgram
	case i.links[string(a.program.Name)] != string(a.program.Name)+"-"+a.program.Version:
		return lacksLink
	}
	return ""
}

// installedScript prints a line for each program, note and link. The digest of a program that nobody has touched since its
// note was written is the note's: hashing all of them costs a machine seconds.
const installedScript = `uname -m
cd ` + agents.Programs + ` 2>/dev/null || exit 0
for f in *; do
  if [ -L "$f" ]; then
    echo "link $f $(readlink -- "$f")"
  elif [ -f "$f" ]; then
    case "$f" in
    *.sha256) echo "note ${f%.sha256} $(cat -- "$f")" ;;
    *)
      digest=
      if [ -f "$f.sha256" ] && [ -z "$(find "$f" -newercc "$f.sha256")" ]; then
        read -r _ digest < "$f.sha256" || true
      fi
      echo "file $f ${digest:-$(sha256sum < "$f")}"
      ;;
    esac
  fi
done
`

func (w *World) installed(ctx context.Context, m fleet.Machine, h Host) (installed, error) {
	text, err := h.Run(ctx, installedScript, nil)
	if err != nil {
		return installed{}, err
	}
	i := installed{digests: map[string]string{}, notes: map[string]string{}, links: map[string]string{}}
	arch, rest, _ := strings.Cut(string(text), "\n")
	if i.arch = archs[arch]; i.arch == "" {
		return installed{}, paas.Errorf(paas.Invalid, "Machine %q is of an architecture %q that programs are not known for.", m.Name, arch)
	}
	for line := range strings.Lines(rest) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 3:
		case fields[0] == "link":
			i.links[fields[1]] = fields[2]
		case fields[0] == "file":
			i.digests[agents.Programs+"/"+fields[1]] = fields[2]
		case fields[0] == "note":
			i.notes[agents.Programs+"/"+fields[1]] = strings.Join(fields[2:], " ")
		}
	}
	return i, nil
}
