package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func audited(t *testing.T, f *fixture) {
	lines := []paas.Audited{
		{
			Time: moment, By: "ada", Kind: paas.Person, Via: "token t1", From: "127.0.0.1", Verb: paas.VerbScale, Action: "scale", Team: "a", App: "shop", Target: "web",
			Outcome: paas.AuditDone, Status: 202, Before: json.RawMessage(`{"web":1}`), After: json.RawMessage(`{"web":2}`), Request: "r1",
		},
		{Time: moment.Add(time.Second), By: "eve", From: "::1", Verb: paas.VerbRead, Action: "status", Team: "b", App: "shop", Outcome: paas.AuditDenied, Status: 403, Detail: "No.\x00", Request: "r2", Times: 7},
		{Time: moment.Add(2 * time.Second), By: "", From: "::1", Action: "login", Outcome: paas.AuditDenied, Status: 401, Request: "r3"},
	}
	f.must(f.AddAudited(f.ctx))
	f.must(f.AddAudited(f.ctx, lines[:2]...))
	f.must(f.AddAudited(f.ctx, lines[2]))
	lines[1].Detail = "No.\uFFFD"

	list := func(filter paas.AuditFilter) []paas.Audited {
		t.Helper()
		got, err := f.Audited(f.ctx, filter)
		f.must(err)
		return got
	}
	all := list(paas.AuditFilter{})
	if len(all) != len(lines) || all[0].ID <= 0 || all[1].ID <= all[0].ID || all[2].ID <= all[1].ID {
		t.Fatalf("ids do not grow: %+v", all)
	}
	for i := range lines {
		lines[i].ID = all[i].ID
	}
	f.equal("all", all, lines)
	for name, row := range map[string]struct {
		filter paas.AuditFilter
		want   []paas.Audited
	}{
		"after":                 {paas.AuditFilter{After: all[0].ID}, lines[1:]},
		"before":                {paas.AuditFilter{Before: all[2].ID}, lines[:2]},
		"since":                 {paas.AuditFilter{Since: moment.Add(time.Second)}, lines[1:]},
		"until":                 {paas.AuditFilter{Until: moment.Add(time.Second)}, lines[:1]},
		"teams":                 {paas.AuditFilter{Teams: []string{"a", "c"}}, lines[:1]},
		"no team at all":        {paas.AuditFilter{Teams: []string{}}, nil},
		"app":                   {paas.AuditFilter{App: "shop"}, lines[:2]},
		"by":                    {paas.AuditFilter{By: "eve"}, lines[1:2]},
		"action":                {paas.AuditFilter{Action: "login"}, lines[2:]},
		"outcomes":              {paas.AuditFilter{Outcomes: []paas.AuditOutcome{paas.AuditDenied}}, lines[1:]},
		"the first":             {paas.AuditFilter{Limit: 1}, lines[:1]},
		"the last, in order":    {paas.AuditFilter{Limit: 2, Last: true}, lines[1:]},
		"one of another's team": {paas.AuditFilter{Teams: []string{"a"}, By: "eve"}, nil},
	} {
		got := list(row.filter)
		if len(got) != 0 || len(row.want) != 0 {
			f.equal(name, got, row.want)
		}
	}
}

func eventsAmong(t *testing.T, f *fixture) {
	ref := func(team, app string) paas.AppRef { return paas.AppRef{Team: team, App: app} }
	f.must(f.Emit(f.ctx, event(ref("a", "shop"), "1"), event(ref("b", "shop"), "2"), event(ref("a", ""), "3"), event(ref("", ""), "4"), event(ref("c", "web"), "5")))
	for name, row := range map[string]struct {
		filter paas.EventFilter
		want   string
	}{
		"all":                     {paas.EventFilter{}, "12345"},
		"of two teams":            {paas.EventFilter{Teams: []string{"a", "c"}}, "135"},
		"of none":                 {paas.EventFilter{Teams: []string{}}, ""},
		"of two apps":             {paas.EventFilter{Apps: []paas.AppRef{ref("b", "shop"), ref("c", "web")}}, "25"},
		"of no app":               {paas.EventFilter{Apps: []paas.AppRef{}}, ""},
		"of an app and its team":  {paas.EventFilter{Apps: []paas.AppRef{ref("b", "shop")}, Teams: []string{"a", "b"}}, "2"},
		"of an app of another":    {paas.EventFilter{Apps: []paas.AppRef{ref("b", "shop")}, Team: "a"}, ""},
		"the last of two teams":   {paas.EventFilter{Teams: []string{"a", "c"}, Last: true, Limit: 2}, "35"},
		"after one, of two teams": {paas.EventFilter{Teams: []string{"a", "c"}, After: 1}, "35"},
	} {
		list, err := f.Events(f.ctx, row.filter)
		f.must(err)
		var texts []string
		for _, e := range list {
			texts = append(texts, e.Message)
		}
		if got := strings.Join(texts, ""); got != row.want {
			t.Errorf("%s: events %q, want %q", name, got, row.want)
		}
	}
}
