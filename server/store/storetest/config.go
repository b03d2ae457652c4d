package storetest

import (
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func configVersion(ref paas.AppRef, n int, mark string) paas.ConfigVersion {
	return paas.ConfigVersion{
		Team: ref.Team, App: ref.App, Version: n, Change: "set A", CreatedAt: moment, CreatedBy: "root", Mark: mark, Written: true,
		Keys: []paas.ConfigKey{
			{Name: "A", Version: n, SetAt: moment, SetBy: "root"},
			{Name: "KEY", Secret: true, Version: 1, SetAt: moment, SetBy: "ann"},
		},
	}
}

// configs stand before their app does, and after it.
func configs(_ *testing.T, f *fixture) {
	list := func(ref paas.AppRef) []paas.ConfigVersion {
		got, err := f.ConfigVersions(f.ctx, ref)
		f.must(err)
		return got
	}
	f.equal("of an app without any", list(shop), []paas.ConfigVersion{})
	one, two, stranger := configVersion(shop, 1, "m1"), configVersion(shop, 2, "m2"), configVersion(other, 1, "x")
	two.Written = false
	f.must(f.PutConfigVersion(f.ctx, one, event(shop, "made")))
	f.must(f.PutConfigVersion(f.ctx, two))
	f.must(f.PutConfigVersion(f.ctx, stranger))
	f.equal("newest first", list(shop), []paas.ConfigVersion{two, one})
	events, err := f.Events(f.ctx, paas.EventFilter{App: shop.App})
	f.must(err)
	f.equal("events", len(events), 1)

	f.must(f.DropUnwritten(f.ctx, configVersion(shop, 2, "another's")))
	f.must(f.DropUnwritten(f.ctx, one))
	f.equal("what is written, or another's, stays", list(shop), []paas.ConfigVersion{two, one})
	two.Written, two.Change = true, "set B"
	f.must(f.PutConfigVersion(f.ctx, two))
	f.restart()
	f.equal("replaced", list(shop), []paas.ConfigVersion{two, one})
	f.must(f.PutConfigVersion(f.ctx, func() paas.ConfigVersion { v := configVersion(shop, 3, "m3"); v.Written = false; return v }()))
	f.must(f.DropUnwritten(f.ctx, configVersion(shop, 3, "m3")))
	f.equal("taken back", list(shop), []paas.ConfigVersion{two, one})

	f.must(f.DropConfigVersions(f.ctx, shop, 2))
	f.equal("below 2 dropped", list(shop), []paas.ConfigVersion{two})
	f.must(f.DropConfigVersions(f.ctx, shop, 0))
	f.equal("all dropped", list(shop), []paas.ConfigVersion{})
	f.equal("another app's", list(other), []paas.ConfigVersion{stranger})
}
