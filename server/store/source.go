package store

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// sourceRow is the text of a release's spec. It is a row of its own, as every reading of an app would carry it
// else. It stays for as long as there is a release of the same spec: one that restored it has no text of its own.
type sourceRow struct {
	bun.BaseModel `bun:"table:sources,alias:sources"`

	Team        string `bun:"team,pk"`
	App         string `bun:"app,pk"`
	Number      int    `bun:"number,pk"`
	SpecDigest  string `bun:"spec_digest"`
	Filename    string `bun:"filename"`
	Environment string `bun:"environment"`
	Text        string `bun:"spec"`
}

func insertSource(ctx context.Context, tx bun.Tx, r paas.Release) error {
	if r.Source == nil {
		return nil
	}
	return upsert(ctx, tx, "team, app, number", sourceRow{
		Team: r.Team, App: r.App, Number: r.Number, SpecDigest: r.SpecDigest,
		Filename: clean(r.Source.Filename), Environment: r.Source.Environment, Text: clean(r.Source.Text),
	})
}

// dropSources deletes the texts that no release of the app is of any more.
func dropSources(ctx context.Context, tx bun.Tx, c paas.Change) error {
	if len(c.DropReleases) == 0 {
		return nil
	}
	_, err := tx.NewRaw(`DELETE FROM sources WHERE team = ? AND app = ? AND NOT EXISTS (
		SELECT 1 FROM releases WHERE releases.team = sources.team AND releases.app = sources.app
		AND releases.spec_digest = sources.spec_digest)`, c.Ref.Team, c.Ref.App).Exec(ctx)
	return err
}

// SpecText gives the text that a release was made of; for one that restored another, that one's. Code not_found
// where none was kept.
func (s *Store) SpecText(ctx context.Context, r paas.Release) (paas.SpecText, error) {
	var row sourceRow
	err := ofApp(s.read.NewSelect().Model(&row), r.Ref()).
		Where("number <= ? AND spec_digest = ?", r.Number, r.SpecDigest).Order("number DESC").Limit(1).Scan(ctx)
	if err = missing(err, "The text of the spec of release %d of app %q was not kept.", r.Number, r.App); err != nil {
		return paas.SpecText{}, failed("read spec", err)
	}
	return paas.SpecText{Filename: row.Filename, Environment: row.Environment, Text: row.Text}, nil
}
