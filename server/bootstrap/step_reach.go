package bootstrap

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// KeptID is what tells a cluster from another of the same name.
const KeptID = "cluster-id"

// ownerFile says on a machine which cluster it belongs to.
const ownerFile = agents.Config + "/cluster.json"

// owner is what ownerFile holds.
type owner struct {
	Cluster string `json:"cluster"`
	ID      string `json:"id"`
}

// reach finds out whether machines can be what they are to be, and marks them as the cluster's: a file with another
// cluster's machines in it, or another state, does no harm to them.
type reach struct{}

func (reach) Name() string { return "reach" }

func (reach) About() string {
	return "every machine answers, has what is needed, and belongs to this cluster alone"
}

func (reach) Plan(ctx context.Context, w *World) ([]Change, error) {
	return w.Changes(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, h Host) ([]Change, error) {
		// The connection is made first: it must not count as a clock that is late.
		if said, err := h.Run(ctx, "true", nil); err != nil {
			return nil, w.turnedAway(said, w.notRoot(err))
		}
		before := w.Now()
		text, err := h.Run(ctx, factsScript, nil)
		if err != nil {
			return nil, w.notRoot(err)
		}
		took := w.Now().Sub(before)
		is, err := readFacts(text)
		if err != nil {
			return nil, err
		}
		skew := is.now.Sub(before.Add(took / 2))
		has, err := w.ownerOf(ctx, h)
		if err != nil {
			return nil, err
		}
		mine := has != nil && has.ID == w.Kept.Get(KeptID)
		if !mine && has != nil {
			return nil, w.notMine(*has)
		}
		faults, warnings := is.judge(w.Fleet, m, mine)
		if late := max(skew.Abs()-took/2, 0); late > maxSkew {
			faults = append(faults, fmt.Sprintf("Its clock is %s %s of this machine's: let both follow a time server.", skew.Abs().Round(100*time.Millisecond), aheadOrBehind(skew)))
		}
		for _, text := range warnings {
			w.warn("%s: %s", m.Name, text)
		}
		if len(faults) > 0 {
			return nil, paas.Errorf(paas.Invalid, "%s", strings.Join(faults, " "))
		}
		if mine {
			return nil, nil
		}
		return []Change{{Text: "mark as a machine of cluster " + w.Fleet.Name}}, nil
	})
}

const maxSkew = 2 * time.Second

func aheadOrBehind(skew time.Duration) string {
	if skew > 0 {
		return "ahead"
	}
	return "behind"
}

func (reach) Do(ctx context.Context, w *World) error {
	id, err := w.Kept.Ensure(ctx, KeptID, func() (string, error) { return strings.ToLower(rand.Text()), nil })
	if err != nil {
		return err
	}
	text, err := json.Marshal(owner{w.Fleet.Name, id})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, h Host) error {
		has, err := w.ownerOf(ctx, h)
		switch {
		case err != nil:
			return err
		case has != nil && has.ID != id:
			return w.notMine(*has)
		case has != nil:
			return nil
		}
		return h.Write(ctx, File{Path: ownerFile, Content: text, Mode: 0o644})
	})
}

// Undo takes the mark away, last of all: until then a destroy that ended is gone on with. Logs stay, for whoever asks
// later what happened.
func (reach) Undo(ctx context.Context, w *World) error {
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, h Host) error {
		_, err := h.Run(ctx, fmt.Sprintf("rm -f %s\nrmdir %s %s /run/crumpet /opt/crumpet 2>/dev/null || true\n", ownerFile, agents.Config, agents.Data), nil)
		return err
	})
}

// Guard refuses a destroy of what belongs to another cluster.
func (reach) Guard(ctx context.Context, w *World) error {
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, h Host) error {
		has, err := w.ownerOf(ctx, h)
		if err == nil && has != nil && has.ID != w.Kept.Get(KeptID) {
			err = w.notMine(*has)
		}
		return err
	})
}

// ownerOf is whom a machine belongs to, nil for nobody.
func (w *World) ownerOf(ctx context.Context, h Host) (*owner, error) {
	text, err := readOr(ctx, h, ownerFile)
	if err != nil || text == nil {
		return nil, err
	}
	var has owner
	if err := json.Unmarshal(text, &has); err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "%s says whom the machine belongs to, and can't be read.", ownerFile)
	}
	return &has, nil
}

func (w *World) notMine(has owner) error {
	if has.Cluster == w.Fleet.Name {
		return paas.Errorf(paas.Conflict, "It belongs to a cluster %q already, whose state is not the one here: name the right file with --state.", has.Cluster)
	}
	return paas.Errorf(paas.Conflict, "It belongs to cluster %q: take it out of that one first, or out of cluster.hcl.", has.Cluster)
}

// notRoot says what to do where sudo asks for a password.
func (w *World) notRoot(err error) error {
	if w.Fleet.SSH.User != "root" && paas.CodeOf(err) == paas.Internal && strings.Contains(sentence(err), "sudo") {
		return paas.Wrap(paas.Forbidden, err, "User %q may not become root there without a password: allow it in /etc/sudoers.d (%s ALL=(ALL) NOPASSWD: ALL), or sign in as root.", w.Fleet.SSH.User, w.Fleet.SSH.User)
	}
	return err
}

// turnedAway tells what a machine said in place of running a command that says nothing: cloud-init has it name the user who
// is to be let in, where one comes as root.
func (w *World) turnedAway(said []byte, err error) error {
	line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	if line == "" || paas.CodeOf(err) != paas.Internal {
		return err
	}
	const enough = 200
	return paas.Wrap(paas.Forbidden, err, "It runs nothing for user %q, and says %.*q. Correct user in the ssh block of cluster.hcl.", w.Fleet.SSH.User, enough, line)
}

// warn says what is not wise, once.
func (w *World) warn(format string, args ...any) {
	if w.Warn != nil {
		w.Warn(format, args...)
	}
}
