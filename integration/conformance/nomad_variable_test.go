package conformance_test

import (
	"errors"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// variable is one of this run, with one item.
func (p *probe) variable(index uint64, value string) *nomadapi.Variable {
	return &nomadapi.Variable{Path: "nomad/jobs/" + p.id, ModifyIndex: index, Items: nomadapi.VariableItems{"shop--db": value}}
}

func (p *probe) dropVariable() {
	_, _ = p.nomad.Variables().Delete("nomad/jobs/"+p.id, p.write()) // the next run has another name
}

var nomadVariableRows = []row{
	{
		name:  "Nomad: a variable is written and deleted only at the index it is known by",
		calls: []string{"nomad PUT /v1/var/*path?cas", "nomad GET /v1/var/*path", "nomad DELETE /v1/var/*path?cas"},
		want: `
			none: nothing true, error <nil>
			new at index 0: created and changed at once true
			again at index 0: a conflict true, which shows 1
			at its index: the index moved true, created as before true
			read: 2, the same index true
			deleted at the old index: a conflict true
			deleted at its index: <nil>
			a first write at a later index: a conflict true`,
		run: func(p *probe) {
			p.later(p.dropVariable)
			v, _, err := p.nomad.Variables().Peek("nomad/jobs/"+p.id, p.read())
			p.say("none: nothing %t, error %v", v == nil, err)
			first, _, err := p.nomad.Variables().CheckedUpdate(p.variable(0, "1"), p.write())
			p.check(err)
			p.say("new at index 0: created and changed at once %t", first.CreateIndex == first.ModifyIndex && first.ModifyIndex > 0)
			var conflict nomadapi.ErrCASConflict
			_, _, err = p.nomad.Variables().CheckedUpdate(p.variable(0, "2"), p.write())
			if !errors.As(err, &conflict) {
				p.fatal("written at index 0 again: %v", err)
			}
			p.say("again at index 0: a conflict %t, which shows %s", conflict.Conflict.ModifyIndex == first.ModifyIndex, conflict.Conflict.Items["shop--db"])
			second, _, err := p.nomad.Variables().CheckedUpdate(p.variable(first.ModifyIndex, "2"), p.write())
			p.check(err)
			p.say("at its index: the index moved %t, created as before %t", second.ModifyIndex > first.ModifyIndex, second.CreateIndex == first.CreateIndex)
			v, _, err = p.nomad.Variables().Peek("nomad/jobs/"+p.id, p.read())
			p.check(err)
			p.say("read: %s, the same index %t", v.Items["shop--db"], v.ModifyIndex == second.ModifyIndex)
			_, err = p.nomad.Variables().CheckedDelete("nomad/jobs/"+p.id, first.ModifyIndex, p.write())
			p.say("deleted at the old index: a conflict %t", errors.As(err, &conflict))
			_, err = p.nomad.Variables().CheckedDelete("nomad/jobs/"+p.id, second.ModifyIndex, p.write())
			p.say("deleted at its index: %v", err)
			_, _, err = p.nomad.Variables().CheckedUpdate(p.variable(second.ModifyIndex, "3"), p.write())
			p.say("a first write at a later index: a conflict %t", errors.As(err, &conflict))
		},
	},
	{
		name:  "Nomad: a variable's path takes no dots, and below nomad/ only what jobs read",
		calls: []string{"nomad PUT /v1/var/*path?cas"},
		want: `
			nomad/jobs/shop.blue: refused, invalid path "nomad/jobs/shop.blue"
			nomad: refused, "nomad" is a reserved top-level directory path
			nomad/other: refused, only paths at "nomad/jobs" or "nomad/job-templates" and below are valid paths
			without items: refused, variable missing required Items object`,
		run: func(p *probe) {
			refused := func(what string, v *nomadapi.Variable, words string) {
				_, _, err := p.nomad.Variables().CheckedUpdate(v, p.write())
				if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), words) {
					p.fatal("%s: %v", what, err)
				}
				p.say("%s: refused, %s", what, words)
			}
			for _, c := range []struct{ path, words string }{
				{"nomad/jobs/shop.blue", `invalid path "nomad/jobs/shop.blue"`},
				{"nomad", `"nomad" is a reserved top-level directory path`},
				{"nomad/other", `only paths at "nomad/jobs" or "nomad/job-templates" and below are valid paths`},
			} {
				refused(c.path, &nomadapi.Variable{Path: c.path, Items: nomadapi.VariableItems{"a": "b"}}, c.words)
			}
			refused("without items", &nomadapi.Variable{Path: "nomad/jobs/" + p.id}, "variable missing required Items object")
		},
	},
}
