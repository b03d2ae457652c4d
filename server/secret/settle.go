package secret

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// newest settles what is unwritten, and gives the newest version that is written; one with the number 0
// while there is none.
func (s *Secrets) newest(ctx context.Context, ref paas.AppRef) (paas.ConfigVersion, error) {
	rows, err := s.Store.ConfigVersions(ctx, ref)
	if err != nil {
		return paas.ConfigVersion{}, err
	}
	for _, row := range rows {
		if row.Written {
			return row, nil
		}
		settled, err := s.settle(ctx, row)
		if err != nil || settled.Written {
			return settled, err
		}
	}
	return paas.ConfigVersion{Team: ref.Team, App: ref.App}, nil
}

// settle asks Vault what became of a version whose writer was interrupted, or is about to write it. It gives
// what is known then.
func (s *Secrets) settle(ctx context.Context, row paas.ConfigVersion) (paas.ConfigVersion, error) {
	values, err := s.Vault.Secrets(ctx, row.Ref(), row.Version)
	switch {
	case paas.CodeOf(err) == paas.NotFound && s.Now().Sub(row.CreatedAt) < settleAfter:
		return row, nil // its writer may still be at it; whoever else writes takes its number
	case paas.CodeOf(err) == paas.NotFound:
		s.Log.WarnContext(ctx, "unwritten version of configuration dropped", "app", row.App, "team", row.Team, "version", row.Version)
		return row, s.Store.DropUnwritten(ctx, row)
	case err != nil:
		return row, paas.Wrap(paas.CodeOf(err), err, "Version %d of the configuration of app %q was being written when its writer was interrupted, and only Vault knows whether it is there: %s",
			row.Version, row.App, paas.MessageOf(err))
	case s.mark(row.Ref(), row.Version, values) == row.Mark:
		row.Written = true
		return row, s.Store.ConfigWritten(ctx, row, s.changed(row))
	}
	if err := s.Store.DropUnwritten(ctx, row); err != nil {
		return row, err
	}
	return s.adopt(ctx, row.Ref(), row.Version, values)
}

// adopt notes a version that Vault has and that is none of ours: its writer's row is lost, or it was written
// past Crumpet. Nobody knows which of its keys are secrets, so all are.
func (s *Secrets) adopt(ctx context.Context, ref paas.AppRef, version int, values map[string]string) (paas.ConfigVersion, error) {
	v := paas.ConfigVersion{
		Team: ref.Team, App: ref.App, Version: version, Change: "found in Vault", CreatedAt: s.Now(), CreatedBy: "unknown",
		Mark: s.mark(ref, version, values), Written: true,
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v.Keys = append(v.Keys, paas.ConfigKey{Name: name, Secret: true, Version: version, SetAt: v.CreatedAt, SetBy: v.CreatedBy})
	}
	s.Log.WarnContext(ctx, "version of configuration found in vault", "app", ref.App, "team", ref.Team, "version", version)
	return v, s.Store.AddConfigVersion(ctx, v, s.changed(v))
}

// catchUp adopts the versions that Vault has above the newest known.
func (s *Secrets) catchUp(ctx context.Context, ref paas.AppRef) error {
	newest, err := s.newest(ctx, ref)
	if err != nil {
		return err
	}
	kept, err := s.Vault.Kept(ctx, ref)
	if err != nil {
		return err
	}
	for _, version := range kept {
		if version <= newest.Version {
			continue
		}
		values, err := s.Vault.Secrets(ctx, ref, version)
		if err != nil {
			return err
		}
		if _, err := s.adopt(ctx, ref, version, values); err != nil {
			return err
		}
	}
	return nil
}

// mark is the hash that a version is known by. It is keyed: without Vault, which has the key, nobody can try
// values against it.
func (s *Secrets) mark(ref paas.AppRef, version int, values map[string]string) string {
	h := hmac.New(sha256.New, s.Key)
	fmt.Fprintf(h, "config %q %d\n", ref.String(), version)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(h, "%q %q\n", name, values[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// changed is the event of a version.
func (s *Secrets) changed(v paas.ConfigVersion) paas.Event {
	return paas.Event{
		Time: s.Now(), Team: v.Team, App: v.App, Kind: paas.EventConfigChanged, By: v.CreatedBy,
		Message: fmt.Sprintf("version %d of the configuration by %s: %s", v.Version, v.CreatedBy, v.Change),
	}
}
