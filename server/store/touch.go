package store

import (
	"context"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/uptrace/bun"
)

// touch is an app that a transaction wrote about. A write names every app it touches: as changed, unless
// what it wrote is of no consequence for how the app is.
type touch struct {
	paas.AppRef
	changed bool // else there is only more to tell of it: an event, a build, traffic
}

func changed(refs ...paas.AppRef) []touch {
	return convert(refs, func(ref paas.AppRef) touch { return touch{ref, true} })
}

func told(refs ...paas.AppRef) []touch {
	return convert(refs, func(ref paas.AppRef) touch { return touch{ref, false} })
}

// refsOf names each app once, in the order given.
func refsOf(touched []touch) []paas.AppRef {
	refs := make([]paas.AppRef, 0, len(touched))
	seen := make(map[paas.AppRef]bool, len(touched))
	for _, t := range touched {
		if !seen[t.AppRef] {
			seen[t.AppRef] = true
			refs = append(refs, t.AppRef)
		}
	}
	return refs
}

type changeRow struct {
	bun.BaseModel `bun:"table:changes,alias:changes"`

	Team   string `bun:"team,pk"`
	App    string `bun:"app,pk"`
	Number int64  `bun:"number"`
}

// mark gives the apps that changed a new number. It comes last in a transaction: the counter's row is
// locked from here to the commit, so changes show in the order of their numbers, and whoever has seen one
// misses none below it.
func mark(ctx context.Context, tx bun.Tx, touched []touch) error {
	refs := refsOf(slices.DeleteFunc(slices.Clone(touched), func(t touch) bool { return !t.changed }))
	if len(refs) == 0 {
		return nil
	}
	number, err := next(ctx, tx, "changes")
	if err != nil {
		return err
	}
	for part := range slices.Chunk(refs, 500) {
		rows := convert(part, func(ref paas.AppRef) changeRow { return changeRow{Team: ref.Team, App: ref.App, Number: number} })
		_, err := tx.NewInsert().Model(&rows).On("CONFLICT (team, app) DO UPDATE").Set("number = EXCLUDED.number").Returning("NULL").Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// Changed names the apps of which something was written since a number, those that were deleted too, and
// gives the number to ask with next. All apps that ever were have changed since 0. What was committed
// before the call is in its answer, by whichever server. An app that only an event, a build or traffic was
// written of has not changed.
func (s *Store) Changed(ctx context.Context, since int64) ([]paas.AppRef, int64, error) {
	var rows []changeRow
	if err := s.read.NewSelect().Model(&rows).Where("number > ?", since).Order("number").Scan(ctx); err != nil {
		return nil, 0, failed("list changed apps", err)
	}
	if len(rows) > 0 {
		since = rows[len(rows)-1].Number
	}
	return convert(rows, func(r changeRow) paas.AppRef { return paas.AppRef{Team: r.Team, App: r.App} }), since, nil
}
