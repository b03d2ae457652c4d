package deploy

import (
	"bytes"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// stale gives the crons of the live release that stand with other credentials than they would be rendered
// with now. Firings that run keep what they have; what else of a cron's text a newer Crumpet renders in
// another way waits for the next release.
func (d *Deployer) stale(snap paas.Snapshot) ([]paas.Side, error) {
	live := snap.Releases[snap.App.Release]
	role := []byte(paas.VaultRole(snap.App.Ref()))
	var rows []paas.Side
	for _, c := range live.Spec.Crons {
		row, ok := snap.Sides[paas.SideJob{App: snap.App.Name, Kind: paas.JobCron, Name: c.Name}.String()]
		if !ok || row.Stop != "" || row.Release != live.Number || !bytes.Contains(row.Text, role) && !jobspec.UsesVault(live, snap.Bindings) {
			continue
		}
		text, err := d.renderSide(live, row, snap.Bindings)
		if err != nil {
			return nil, err
		}
		other, err := otherSecrets(row.Text, text)
		if err != nil {
			return nil, err
		}
		if other {
			row.Text = nil // written renders it
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// otherSecrets says that two texts of a job differ in what they read in Vault.
func otherSecrets(stands, next []byte) (bool, error) {
	if bytes.Equal(stands, next) {
		return false, nil
	}
	was, err := jobspec.Decode(stands)
	if err != nil {
		return false, err
	}
	now, err := jobspec.Decode(next)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(jobspec.Changes(was, now), func(key string) bool {
		for _, part := range []string{"config", "secret", "service"} {
			if key == part || strings.HasPrefix(key, part+".") {
				return true
			}
		}
		return false
	}), nil
}
