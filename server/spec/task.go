package spec

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func (d *decoder) task(at place, b *hclsyntax.Block) paas.Task {
	t := paas.Task{Name: d.named(at, b), Phase: paas.PhaseManual, Timeout: paas.DefaultTaskTimeout}
	c := d.read(at, b.Body, taskSchema.named(t.Name))
	t.Program = d.program(at, c, nil)
	t.NomadTask = d.fragments(at, c.one("nomad"), taskSchema)["task"]
	word(d, at.attr("phase"), c.attrs["phase"], &t.Phase, "phase of a task", phases)
	d.number(at.attr("attempts"), c.attrs["attempts"], &t.Attempts)
	d.duration(at.attr("timeout"), c.attrs["timeout"], &t.Timeout)
	return t
}

func (d *decoder) cron(at place, b *hclsyntax.Block) paas.Cron {
	t := paas.Cron{Name: d.named(at, b), TimeZone: paas.DefaultTimeZone, Timeout: paas.DefaultTaskTimeout}
	c := d.read(at, b.Body, cronSchema.named(t.Name))
	t.Program = d.program(at, c, nil)
	t.NomadTask = d.fragments(at, c.one("nomad"), cronSchema)["task"]
	d.text(at.attr("schedule"), c.attrs["schedule"], &t.Schedule)
	d.text(at.attr("time_zone"), c.attrs["time_zone"], &t.TimeZone)
	d.truth(at.attr("overlap"), c.attrs["overlap"], &t.Overlap)
	d.number(at.attr("attempts"), c.attrs["attempts"], &t.Attempts)
	d.duration(at.attr("timeout"), c.attrs["timeout"], &t.Timeout)
	return t
}

var phases = []paas.Phase{paas.PhaseManual, paas.PhaseBefore, paas.PhaseAfter}
