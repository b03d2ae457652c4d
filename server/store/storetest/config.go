package storetest

import (
	"math"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func configVersion(ref paas.AppRef, n int, mark string, written bool) paas.ConfigVersion {
	return paas.ConfigVersion{
		Team: ref.Team, App: ref.App, Version: n, Change: "set A", CreatedAt: moment, CreatedBy: "root", Mark: mark, Written: written,
		Keys: []paas.ConfigKey{
			{Name: "A", Version: n, SetAt: moment, SetBy: "root"},
			{Name: "KEY", Secret: true, Version: 1, SetAt: moment, SetBy: "ann"},
		},
	}
}

// configs stand before their app does, and after it.
func configs(_ *testing.T, f *fixture) {
	list := func(what string, want ...paas.ConfigVersion) {
		f.Helper()
		got, err := f.ConfigVersions(f.ctx, shop)
		f.must(err)
		f.equal(what, got, append([]paas.ConfigVersion{}, want...))
	}
	told := func(want int) {
		f.Helper()
		events, err := f.Events(f.ctx, paas.EventFilter{App: shop.App})
		f.must(err)
		f.equal("events", len(events), want)
	}
	list("of an app without any")
	one, two := configVersion(shop, 1, "m1", true), configVersion(shop, 2, "m2", false)
	f.must(f.ConfigWritten(f.ctx, one, event(shop, "made")))
	f.must(f.ConfigWritten(f.ctx, one, event(shop, "made")))
	told(1)
	f.must(f.PutConfigVersion(f.ctx, configVersion(shop, 2, "of one who lost", false)))
	f.must(f.PutConfigVersion(f.ctx, two))
	f.must(f.ConfigWritten(f.ctx, configVersion(other, 1, "x", true)))
	list("newest first", two, one)

	f.code(f.PutConfigVersion(f.ctx, configVersion(shop, 1, "late", false)), paas.Conflict)
	f.must(f.AddConfigVersion(f.ctx, configVersion(shop, 1, "late", true), event(shop, "found")))
	f.must(f.DropUnwritten(f.ctx, configVersion(shop, 2, "another's", false)))
	f.must(f.DropUnwritten(f.ctx, one))
	list("what is written, or another's, stays", two, one)
	told(1)

	two.Written, two.Change = true, "set B"
	f.must(f.ConfigWritten(f.ctx, two, event(shop, "made")))
	three := configVersion(shop, 3, "m3", true)
	f.must(f.AddConfigVersion(f.ctx, three, event(shop, "found")))
	told(3)
	f.restart()
	list("replaced, and added", three, two, one)
	f.must(f.PutConfigVersion(f.ctx, configVersion(shop, 4, "m4", false)))
	f.must(f.DropUnwritten(f.ctx, configVersion(shop, 4, "m4", false)))
	list("taken back", three, two, one)

	f.must(f.DropConfigVersions(f.ctx, shop, -3))
	f.must(f.DropConfigVersions(f.ctx, shop, 2))
	list("below 2 dropped", three, two)
	f.must(f.DropConfigVersions(f.ctx, shop, math.MaxInt))
	list("all dropped")
	others, err := f.ConfigVersions(f.ctx, other)
	f.must(err)
	f.equal("another app's", len(others), 1)
}
