package apitest

import (
	"context"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Audit is the platform's audit.
type Audit struct{ *Platform }

// Record adds a line and wakes its readers.
func (a Audit) Record(_ context.Context, line paas.Audited) error {
	a.locked(func() {
		line.ID, line.Time = int64(len(a.audited)+1), time.Now().UTC()
		a.audited = append(a.audited, line)
		a.emit()
	})
	return nil
}

// List gives lines.
func (a Audit) List(_ context.Context, f paas.AuditFilter) (list []paas.Audited, err error) {
	a.locked(func() {
		for _, line := range a.audited {
			if line.ID > f.After && (f.Before == 0 || line.ID < f.Before) && !line.Time.Before(f.Since) && (f.Until.IsZero() || line.Time.Before(f.Until)) &&
				(f.Teams == nil || slices.Contains(f.Teams, line.Team)) && (f.App == "" || f.App == line.App) && (f.By == "" || f.By == line.By) &&
				(f.Action == "" || f.Action == line.Action) && (len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, line.Outcome)) {
				list = append(list, line)
			}
		}
		if f.Last {
			list = list[max(0, len(list)-f.Limit):]
		}
		list = list[:min(len(list), f.Limit)]
	})
	return list, nil
}
