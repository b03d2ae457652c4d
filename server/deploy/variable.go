package deploy

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Credentials that reach a program as files change under it: its templates read, in a Nomad variable of
// the team, which generation of each binding's credentials is theirs. The job stays as it is.
//
//	nomad/jobs    shop--db = 7, shop--cache = 2, blog--db = 1

const itemsKept = Sweep // between two looks at whether a variable still says what was written

// itemsTold is what was last written to a team's variable of one app.
type itemsTold struct {
	items map[string]string
	at    time.Time
}

// follows gives what the team's variable must say of an app: of every release that stands in a slot or in
// a side job. An app that has no such job says nothing.
func follows(snap paas.Snapshot) map[string]string {
	items := map[string]string{}
	for _, row := range snap.Slots {
		maps.Copy(items, jobspec.Follows(snap.Releases[row.Release].Spec, snap.Bindings))
	}
	for _, row := range snap.Sides {
		maps.Copy(items, jobspec.Follows(snap.Releases[row.Release].Spec, snap.Bindings))
	}
	return items
}

// followsIt says that a job's text reads the variable.
func followsIt(text []byte) bool { return bytes.Contains(text, []byte("nomadVar")) }

// tell makes the team's variable say what follows from the app's wishes, unless it does already. A binding
// that is no more keeps its number while a job stands that reads it: its templates must still find one.
func (d *Deployer) tell(ctx context.Context, snap paas.Snapshot) error {
	if d.variables == nil {
		return nil
	}
	ref, items := snap.App.Ref(), follows(snap)
	d.mu.Lock()
	last, known := d.told[ref]
	d.mu.Unlock()
	stands := anyFollows(snap)
	switch {
	case !stands && !known:
		return nil
	case known && maps.Equal(last.items, items) && d.now().Sub(last.at) < itemsKept:
		return nil
	}
	if err := d.putItems(ctx, ref, items, !stands); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if delete(d.told, ref); stands {
		d.told[ref] = itemsTold{items: items, at: d.now()}
	}
	return nil
}

// anyFollows says that some job that stands reads the variable.
func anyFollows(snap paas.Snapshot) bool {
	for _, row := range snap.Slots {
		if followsIt(row.Job) {
			return true
		}
	}
	for _, row := range snap.Sides {
		if followsIt(row.Text) {
			return true
		}
	}
	return false
}

// untell takes what the variable says of an app that is no more out of it.
func (d *Deployer) untell(ctx context.Context, snap paas.Snapshot) error {
	if d.variables == nil || !anyFollows(snap) {
		return nil
	}
	ref := snap.App.Ref()
	d.mu.Lock()
	delete(d.told, ref)
	d.mu.Unlock()
	return d.putItems(ctx, ref, nil, true)
}

// putItems writes what the variable says of an app, beside what it says of others; only drops what it said
// before and is not in items.
func (d *Deployer) putItems(ctx context.Context, ref paas.AppRef, items map[string]string, only bool) error {
	path := paas.GenerationsVariable
	stands, index, err := d.variables.Variable(ctx, ref.Team, path)
	if err != nil {
		return err
	}
	want := maps.Clone(stands)
	if want == nil {
		want = map[string]string{}
	}
	if only {
		maps.DeleteFunc(want, func(name, _ string) bool { return strings.HasPrefix(name, paas.GenerationItem(ref.App, "")) })
	}
	maps.Copy(want, items)
	switch {
	case maps.Equal(stands, want):
		return nil
	case len(want) == 0:
		err = d.variables.DeleteVariable(ctx, ref.Team, path, index)
	default:
		if err := d.scheduler.EnsureNamespace(ctx, ref.Team); err != nil {
			return err
		}
		err = d.variables.PutVariable(ctx, ref.Team, path, want, index)
	}
	if err == nil {
		d.log.Debug("variable written", "team", ref.Team, "app", ref.App, "items", strings.Join(slices.Sorted(maps.Keys(items)), " "))
	}
	return err
}
