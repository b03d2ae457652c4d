package store

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// BackTo takes a database back to a version, as the Crumpet of that version had left it.
func BackTo(ctx context.Context, db *sql.DB, postgres bool, version int64) error {
	d := sqliteMigrations
	if postgres {
		d = postgresMigrations
	}
	files, err := d.files()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(d.name, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = provider.DownTo(ctx, version)
	return err
}
