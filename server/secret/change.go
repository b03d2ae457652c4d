package secret

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Change sets and unsets keys of an app, and has the version it makes deployed unless it is to be staged, or
// nothing of the app runs. One that comes to what there is makes no version, and deploys what was staged
// before. Codes: invalid (with every fault), conflict (Base moved, a deployment is in the way, a version that is
// needed would be pushed out), unavailable (Vault is sealed or away).
//
// After conflict of the deployment alone, which its message says, the version is there and staged.
func (s *Secrets) Change(ctx context.Context, c paas.ConfigChange) (paas.ConfigResult, error) {
	if err := s.check(c); err != nil {
		return paas.ConfigResult{}, err
	}
	unlock, err := s.locks.take(ctx, c.Ref)
	if err != nil {
		return paas.ConfigResult{}, err
	}
	defer unlock()
	snap, err := s.snapshot(ctx, c.Ref)
	if err != nil {
		return paas.ConfigResult{}, err
	}
	if snap.App.Deleting {
		return paas.ConfigResult{}, paas.Errorf(paas.Conflict, "App %q is being destroyed, and its configuration with it. Set it once `crumpet apps` no longer lists the app.", c.Ref.App)
	}
	newest, err := s.newest(ctx, c.Ref)
	if err != nil {
		return paas.ConfigResult{}, err
	}
	if c.Base != nil && *c.Base != newest.Version {
		return paas.ConfigResult{}, paas.Errorf(paas.Conflict, "The configuration of app %q is at version %d, not at %d: somebody changed it meanwhile. Look at it with `crumpet config list`, and try again.",
			c.Ref.App, newest.Version, *c.Base)
	}
	next, values, err := s.next(ctx, newest, c)
	if err != nil {
		return paas.ConfigResult{}, err
	}
	result := paas.ConfigResult{Version: next, Made: next.Version > newest.Version, Use: useOf(snap, c.Stage)}
	if err := s.allowed(ctx, snap, result, c); err != nil {
		return paas.ConfigResult{}, err
	}
	if result.Made {
		if result.Version, err = s.write(ctx, next, values); err != nil {
			return paas.ConfigResult{}, err
		}
	}
	head, walk, _ := heading(snap)
	switch {
	case result.Use != paas.ConfigDeployed || result.Version.Version == 0:
	case head.Config == result.Version.Version: // asked for twice, maybe as the first answer was lost
		result.Deploy = &paas.DeployResult{Release: head, Deployment: walk, Changed: walk != nil}
	default:
		err = s.deploy(ctx, &result, c)
	}
	return result, err
}

// next is the version that a change comes to, with its values; the newest itself where nothing changes.
func (s *Secrets) next(ctx context.Context, newest paas.ConfigVersion, c paas.ConfigChange) (paas.ConfigVersion, map[string]string, error) {
	if len(c.Set)+len(c.Unset) == 0 {
		return newest, nil, nil
	}
	values := map[string]string{}
	if newest.Version > 0 {
		var err error
		if values, err = s.Vault.Secrets(ctx, c.Ref, newest.Version); paas.CodeOf(err) == paas.NotFound {
			return newest, nil, paas.Wrap(paas.Conflict, err,
				"Version %d of the configuration of app %q, its newest, is gone from Vault, so the keys that are not named here are lost. Restore it with `vault kv undelete`, or from a backup of Vault.", newest.Version, c.Ref.App)
		} else if err != nil {
			return newest, nil, err
		}
	}
	next, faults := merged(newest, values, c, s.Now())
	if len(faults) > 0 {
		return newest, nil, refuse(faults)
	}
	if next.Version == newest.Version {
		return newest, values, nil
	}
	next.Mark = s.mark(c.Ref, next.Version, values)
	return next, values, s.Check(values)
}

// merged applies a change to values, which it edits, and gives the version that results: newest itself if
// nothing is new.
func merged(newest paas.ConfigVersion, values map[string]string, c paas.ConfigChange, now time.Time) (paas.ConfigVersion, []paas.Fault) {
	next := paas.ConfigVersion{Team: c.Ref.Team, App: c.Ref.App, Version: newest.Version + 1, CreatedAt: now, CreatedBy: c.By}
	keys := map[string]paas.ConfigKey{}
	for _, k := range newest.Keys {
		keys[k.Name] = k
	}
	var faults []paas.Fault
	var set, unset []string
	for _, v := range c.Set {
		was, had := keys[v.Name]
		if had && was.Secret && v.Kind == paas.ConfigPlain {
			faults = append(faults, paas.Fault{Location: v.Name, Message: fmt.Sprintf(
				"%q is a secret, and arguments stay in the shell's history. Set it with `crumpet secret set %s`, or unset it first.", v.Name, v.Name)})
			continue
		}
		key := paas.ConfigKey{Name: v.Name, Secret: v.Kind == paas.ConfigSecret || v.Kind == paas.ConfigAsIs && was.Secret}
		if old, there := values[v.Name]; had && there && old == v.Value.Reveal() && key.Secret == was.Secret {
			continue
		}
		key.Version, key.SetAt, key.SetBy = next.Version, now, c.By
		keys[v.Name], values[v.Name] = key, v.Value.Reveal()
		set = append(set, v.Name)
	}
	for _, name := range c.Unset {
		if _, had := keys[name]; !had {
			faults = append(faults, paas.Fault{Location: name, Message: fmt.Sprintf("%q is not set, so it can't be unset. `crumpet config list` shows what is.", name)})
			continue
		}
		delete(keys, name)
		delete(values, name)
		unset = append(unset, name)
	}
	if len(set)+len(unset) == 0 {
		return newest, faults
	}
	next.Keys = slices.SortedFunc(maps.Values(keys), func(a, b paas.ConfigKey) int { return strings.Compare(a.Name, b.Name) })
	next.Change = changeText(set, unset)
	return next, faults
}

// namedAtMost keeps the story of a large import short.
const namedAtMost = 12

func changeText(set, unset []string) string {
	var parts []string
	for _, part := range []struct {
		verb  string
		names []string
	}{{"set ", set}, {"unset ", unset}} {
		if len(part.names) == 0 {
			continue
		}
		slices.Sort(part.names)
		text := strings.Join(part.names[:min(namedAtMost, len(part.names))], ", ")
		if more := len(part.names) - namedAtMost; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, part.verb+text)
	}
	return strings.Join(parts, "; ")
}

// allowed refuses, before Vault is written, what could not be deployed or would take a version from a
// release that needs it.
func (s *Secrets) allowed(ctx context.Context, snap paas.Snapshot, r paas.ConfigResult, c paas.ConfigChange) error {
	if version, release := pinned(snap); r.Made && version > 0 && version <= r.Version.Version-s.Keep {
		return paas.Errorf(paas.Conflict,
			"Release %d of app %q, which is in use, needs version %d of the configuration, and Vault keeps %d: one more would push it out. Have the app use a newer one first, with `crumpet config deploy`.",
			release, c.Ref.App, version, s.Keep)
	}
	if r.Use != paas.ConfigDeployed || r.Version.Version == 0 {
		return nil
	}
	head, _, _ := heading(snap)
	if head.Config == r.Version.Version {
		return nil
	}
	if names := missing(head.Spec, r.Version); len(names) > 0 {
		return paas.Errorf(paas.Conflict, "The spec of release %d of app %q has a secret block for %s, which would not be set. Set it too, or push a spec without the block first; --stage leaves it to the next push.",
			head.Number, c.Ref.App, strings.Join(names, ", "))
	}
	return s.Deploy.Reconfigurable(ctx, reconfigure(c, r.Version.Version))
}

func reconfigure(c paas.ConfigChange, version int) paas.Reconfigure {
	return paas.Reconfigure{Ref: c.Ref, Config: version, By: c.By, Note: c.Note, Supersede: c.Supersede, Wait: c.Wait}
}

// write makes a version: row, Vault, row.
func (s *Secrets) write(ctx context.Context, v paas.ConfigVersion, values map[string]string) (paas.ConfigVersion, error) {
	if err := s.Vault.KeepVersions(ctx, v.Ref(), s.Keep); err != nil { // also finds a Vault that is away before the row
		return v, err
	}
	if err := s.Store.PutConfigVersion(ctx, v); err != nil {
		return v, err
	}
	_, err := s.Vault.PutSecrets(ctx, v.Ref(), values, v.Version-1)
	// From here on it is finished even if the caller leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	if err != nil && !s.arrived(ctx, v) {
		return v, err
	}
	v.Written = true
	if err := s.Store.ConfigWritten(ctx, v, s.changed(v)); err != nil {
		return v, err
	}
	if err := s.Store.DropConfigVersions(ctx, v.Ref(), v.Version-s.Keep+1); err != nil {
		s.Log.WarnContext(ctx, "versions that vault let go are still listed", "app", v.App, "team", v.Team, "err", err)
	}
	return v, nil
}

// arrived says whether a version is in Vault though writing it failed: the answer may have been lost. Where it
// is not, its row is taken back; where nobody knows, the row stays to be settled.
func (s *Secrets) arrived(ctx context.Context, v paas.ConfigVersion) bool {
	values, err := s.Vault.Secrets(ctx, v.Ref(), v.Version)
	switch {
	case err == nil && s.mark(v.Ref(), v.Version, values) == v.Mark:
		return true
	case err != nil && paas.CodeOf(err) != paas.NotFound:
		return false
	}
	if err := s.Store.DropUnwritten(ctx, v); err != nil {
		s.Log.WarnContext(ctx, "row of a version that was not written stays", "app", v.App, "team", v.Team, "err", err)
		return false
	}
	if err := s.catchUp(ctx, v.Ref()); err != nil {
		s.Log.WarnContext(ctx, "versions in vault not read", "app", v.App, "team", v.Team, "err", err)
	}
	return false
}

// deploy brings the newest version to the app: another server may have made one since.
func (s *Secrets) deploy(ctx context.Context, r *paas.ConfigResult, c paas.ConfigChange) error {
	newest, err := s.newest(ctx, c.Ref)
	if err != nil {
		return err
	}
	deployed, err := s.Deploy.Reconfigure(ctx, reconfigure(c, newest.Version))
	if err == nil {
		r.Deploy = &deployed
		return nil
	}
	if !r.Made {
		return err
	}
	return paas.Wrap(paas.CodeOf(err), err, "Version %d of the configuration of app %q is made, and not deployed: %s `crumpet config deploy` deploys it.",
		r.Version.Version, c.Ref.App, paas.MessageOf(err))
}
