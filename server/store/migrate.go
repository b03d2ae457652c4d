package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/pressly/goose/v3"
)

// One folder per dialect; the same numbers in each.
//
//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// migrate applies what is missing, each migration in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return failed("read migrations", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return failed("read migrations", err)
	}
	// Before the change: goose would pass over versions that it does not know.
	current, known, err := provider.GetVersions(ctx)
	if err != nil {
		return failed("read database version", err)
	}
	if current > known {
		return paas.Errorf(paas.Conflict,
			"The database has version %d, written by a newer Crumpet; this one knows versions up to %d. Start the newer Crumpet again, or restore a backup made before it.",
			current, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return failed("migrate database", err)
	}
	return nil
}
