package server

import (
	"log/slog"
	"time"

	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/retention"
)

// newRetention makes the loop that lets go of what is kept no longer.
func newRetention(cfg config.Config, store retention.Store, blobs retention.Blobs, now func() time.Time, log *slog.Logger) *retention.Retention {
	r := cfg.Retention
	return retention.New(retention.Config{
		Store: store, Blobs: blobs, Every: config.Period(r.Every), Now: now, Log: log,
		Limits: retention.Limits{
			Releases: r.Releases, Age: config.Period(r.Age), Rollbacks: r.Rollbacks,
			Events: config.Period(r.Events), Content: config.Period(r.Content),
		},
	})
}
