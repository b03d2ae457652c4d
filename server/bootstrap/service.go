package bootstrap

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Part is one program on one machine: the files that make it what it is, and what runs it.
//
// What a running program was started with can't be asked of it, so it is noted on the machine, in
// /var/lib/crumpet/NAME.started: digests of what counts at a start and of what counts at a reload. A run that ends
// between a new file and the restart leaves the old note, and the next one restarts.
type Part struct {
	Machine fleet.Machine
	Service agents.Service
	Version string // of the program
	Files   []PartFile
	Watched []string // files that other steps write, and a reload reads: certificates
	Breaks  string   // what a restart stops meanwhile, a sentence
}

// PartFile is a file of a part.
type PartFile struct {
	File
	When agents.When
}

// started is the note.
type started struct {
	Restart string `json:"restart"`
	Reload  string `json:"reload"`
}

// due is what a part is not yet.
type due struct {
	files []File
	verb  agents.Verb // Start, Restart, Reload or ""
	note  File
}

// filesOf gives an agent's configuration as files: those with a secret only its program may read.
func filesOf(files []agents.File, user string) []PartFile {
	var all []PartFile
	for _, f := range files {
		one := PartFile{File: File{Path: f.Path, Content: []byte(f.Text), Mode: 0o644}, When: f.When}
		if f.Secret {
			one.Mode = 0o600
			if user != "" {
				one.Mode, one.Owner = 0o640, "root:"+user
			}
		}
		all = append(all, one)
	}
	return all
}

func (p Part) noteFile() string { return agents.Data + "/" + p.Service.Name + ".started" }

// all is every file of the part, with what its Init needs.
func (w *World) partFiles(p Part) []PartFile {
	if w.Fleet.Init == fleet.Process {
		return p.Files
	}
	unit := PartFile{File: File{Path: p.Service.UnitFile(), Content: []byte(p.Service.Unit()), Mode: 0o644}, When: agents.AtRestart}
	return append(slices.Clone(p.Files), unit)
}

// dueOf compares a part with what is on its machine. It changes nothing.
func (w *World) dueOf(ctx context.Context, p Part) (due, error) {
	host, ok := w.Hosts[p.Machine.Name]
	if !ok {
		return due{}, paas.Errorf(paas.Internal, "There is no connection to machine %q.", p.Machine.Name)
	}
	var d due
	restart, reload := sha256.New(), sha256.New()
	fmt.Fprintf(restart, "%s\n%s\n", p.Version, p.Service.Script(fleet.Process, agents.Start))
	for _, f := range w.partFiles(p) {
		has, err := readOr(ctx, host, f.Path)
		if err != nil {
			return due{}, err
		}
		if has == nil || !bytes.Equal(has, f.Content) {
			d.files = append(d.files, f.File)
		}
		switch f.When {
		case agents.AtRestart:
			fmt.Fprintf(restart, "%s %x\n", f.Path, sha256.Sum256(f.Content))
		case agents.AtReload:
			fmt.Fprintf(reload, "%s %x\n", f.Path, sha256.Sum256(f.Content))
		case agents.AtNext:
		}
	}
	for _, path := range p.Watched {
		has, err := readOr(ctx, host, path)
		if err != nil {
			return due{}, err
		}
		fmt.Fprintf(reload, "%s %x\n", path, sha256.Sum256(has))
	}
	want := started{Restart: hex.EncodeToString(restart.Sum(nil)), Reload: hex.EncodeToString(reload.Sum(nil))}
	text, err := json.Marshal(want)
	if err != nil {
		return due{}, err
	}
	d.note = File{Path: p.noteFile(), Content: text, Mode: 0o644}
	if d.verb, err = w.verbOf(ctx, host, p, want); err != nil {
		return due{}, err
	}
	return d, nil
}

func (w *World) verbOf(ctx context.Context, host Host, p Part, want started) (agents.Verb, error) {
	status, err := host.Run(ctx, p.Service.Script(w.Fleet.Init, agents.Status), nil)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(status)) != "active" {
		return agents.Start, nil
	}
	text, err := readOr(ctx, host, p.noteFile())
	if err != nil {
		return "", err
	}
	var has started
	if err := json.Unmarshal(text, &has); err != nil {
		has = started{} // a note that can't be read says nothing
	}
	switch {
	case has.Restart != want.Restart:
		return agents.Restart, nil
	case has.Reload != want.Reload:
		return agents.Reload, nil
	}
	return "", nil
}

// readOr reads a file, nil for none.
func readOr(ctx context.Context, host Host, path string) ([]byte, error) {
	text, err := host.Read(ctx, path)
	if paas.CodeOf(err) == paas.NotFound {
		return nil, nil
	}
	return text, err
}

// PlanParts says what MakeParts would change.
func (w *World) PlanParts(ctx context.Context, parts []Part) ([]Change, error) {
	return w.Changes(ctx, machinesOf(parts), func(ctx context.Context, m fleet.Machine, _ Host) ([]Change, error) {
		var changes []Change
		for _, p := range parts {
			if p.Machine.Name != m.Name {
				continue
			}
			d, err := w.dueOf(ctx, p)
			if err != nil {
				return nil, err
			}
			for _, f := range d.files {
				changes = append(changes, Change{Text: "write " + f.Path})
			}
			switch d.verb {
			case agents.Start:
				changes = append(changes, Change{Text: "start " + p.Service.Name})
			case agents.Restart:
				changes = append(changes, Change{Text: "restart " + p.Service.Name, Breaks: p.Breaks})
			case agents.Reload:
				changes = append(changes, Change{Text: "have " + p.Service.Name + " read its certificates and tokens again"})
			case agents.Prepare, agents.Stop, agents.Status, agents.Log: // no file asks for them
			}
		}
		return changes, nil
	})
}

// Cluster is what parts are together, as far as a change of them must know it.
type Cluster struct {
	Parts []Part
	// Healthy is nil when all members serve, and else says which does not.
	Healthy func(ctx context.Context) error
	// Leader is the name of the machine whose part leads: it is restarted last. It may be nil.
	Leader func(ctx context.Context) (string, error)
	Within time.Duration // for the members to be healthy, 2 minutes unless said
}

// MakeParts writes the files of parts, starts those that don't run all at once, and restarts others one after the
// other: the next one only when all are healthy again, the leader last. At its end all are healthy.
func (w *World) MakeParts(ctx context.Context, c Cluster) error {
	within := cmp.Or(c.Within, 2*time.Minute)
	dues := make([]due, len(c.Parts)) // each written by its own machine's turn only
	err := w.Each(ctx, machinesOf(c.Parts), func(ctx context.Context, m fleet.Machine, _ Host) error {
		for i, p := range c.Parts {
			if p.Machine.Name != m.Name {
				continue
			}
			var err error
			if dues[i], err = w.dueOf(ctx, p); err != nil {
				return err
			}
			if err := w.write(ctx, p, dues[i]); err != nil {
				return err
			}
			if dues[i].verb == agents.Start || dues[i].verb == agents.Reload {
				if err := w.act(ctx, p, dues[i].verb); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var restarts []Part
	for i, p := range c.Parts {
		if dues[i].verb == agents.Restart {
			restarts = append(restarts, p)
		}
	}
	if len(restarts) > 0 {
		if restarts, err = w.leaderLast(ctx, c, within, restarts); err != nil {
			return err
		}
	}
	for _, p := range restarts {
		w.Say("restarting %s on %s", p.Service.Name, p.Machine.Name)
		if err := w.act(ctx, p, agents.Restart); err != nil {
			return onMachine(p.Machine.Name, err)
		}
		if err := Until(ctx, within, c.Healthy); err != nil {
			return err
		}
	}
	return Until(ctx, within, c.Healthy)
}

func (w *World) leaderLast(ctx context.Context, c Cluster, within time.Duration, restarts []Part) ([]Part, error) {
	if err := Until(ctx, within, c.Healthy); err != nil {
		return nil, paas.Wrap(paas.CodeOf(err), err, "Nothing was restarted, as not all are well. %s", sentence(err))
	}
	if c.Leader == nil {
		return restarts, nil
	}
	leader, err := c.Leader(ctx)
	if err != nil {
		return nil, err
	}
	restarts = slices.Clone(restarts)
	slices.SortStableFunc(restarts, func(a, b Part) int {
		return cmp.Compare(b2i(a.Machine.Name == leader), b2i(b.Machine.Name == leader))
	})
	return restarts, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *World) write(ctx context.Context, p Part, d due) error {
	if len(d.files) == 0 && d.verb == "" {
		return nil
	}
	host := w.Hosts[p.Machine.Name]
	if _, err := host.Run(ctx, p.Service.Script(w.Fleet.Init, agents.Prepare), nil); err != nil {
		return err
	}
	for _, f := range d.files {
		if err := host.Write(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// act does a verb and notes it. What is started is noted first: it does not run, so nothing is lost if that is all that
// happens. Anything else is noted after it was done. The note is of what lies on the machine now.
func (w *World) act(ctx context.Context, p Part, verb agents.Verb) error {
	d, err := w.dueOf(ctx, p)
	if err != nil {
		return err
	}
	host := w.Hosts[p.Machine.Name]
	if verb == agents.Start {
		if err := host.Write(ctx, d.note); err != nil {
			return err
		}
	}
	if _, err := host.Run(ctx, p.Service.Script(w.Fleet.Init, verb), nil); err != nil {
		return err
	}
	if verb == agents.Start {
		return nil
	}
	return host.Write(ctx, d.note)
}

// EndParts stops parts and takes away what they are and all that they keep, but for their logs.
func (w *World) EndParts(ctx context.Context, parts []Part) error {
	return w.Each(ctx, machinesOf(parts), func(ctx context.Context, m fleet.Machine, host Host) error {
		for _, p := range slices.Backward(parts) {
			if p.Machine.Name != m.Name {
				continue
			}
			if _, err := host.Run(ctx, p.Service.Script(w.Fleet.Init, agents.Stop), nil); err != nil {
				return err
			}
			if p.Service.Node {
				if _, err := host.Run(ctx, agents.TasksScript(), nil); err != nil {
					return err
				}
			}
			gone := []string{p.noteFile(), agents.Config + "/" + p.Service.Name, p.Service.UnitFile()}
			script := removing(slices.Concat(gone, p.Service.State()))
			if w.Fleet.Init == fleet.Systemd {
				script += "systemctl daemon-reload\n"
			}
			if _, err := host.Run(ctx, script, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func machinesOf(parts []Part) []fleet.Machine {
	var all []fleet.Machine
	for _, p := range parts {
		if !slices.ContainsFunc(all, func(m fleet.Machine) bool { return m.Name == p.Machine.Name }) {
			all = append(all, p.Machine)
		}
	}
	return all
}

// Until asks again and again until ready gives nil, and gives its last error when the time is over.
func Until(ctx context.Context, within time.Duration, ready func(ctx context.Context) error) error {
	late := time.NewTimer(within)
	defer late.Stop()
	const again = 300 * time.Millisecond
	next := time.NewTicker(again)
	defer next.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return paas.Wrap(paas.CodeOf(err), err, "Waited %s. %s", within, sentence(err))
		case <-next.C:
		}
	}
}
