package deploy

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// What a plan says of processes with a volume, which do not walk.

const stoppedFirst = "is stopped first and started anew in place"

// keeps says that a process has a volume before and afterwards, so that it stays where it is.
func (p prediction) keeps(name string) bool {
	return kept(p.next.Spec)[name] && kept(p.old.Spec)[name]
}

// replaced says that the instances in the slot Data are to be others.
func (p prediction) replaced() bool {
	row := p.after.Slots[paas.Data]
	return p.changes() && replaces(&row)
}

// dataTouched says that the job of the slot Data is registered anew.
func (d *Deployer) dataTouched(p prediction) (bool, error) {
	before, had := p.before.Slots[paas.Data]
	after, has := p.after.Slots[paas.Data]
	if !had || !has {
		return has, nil
	}
	was, err := d.amended(before, p.before, World(p.before).Slots[paas.Data])
	if err != nil {
		return false, err
	}
	now, err := d.amended(after, p.after, World(p.after).Slots[paas.Data])
	if err != nil {
		return false, err
	}
	return !bytes.Equal(jobspec.Encode(was), jobspec.Encode(now)), nil
}

// withData adds to what becomes of the others what becomes of the processes with a volume.
func (p prediction) withData(others, verb string) string {
	var names, numbers []string
	total := 0
	for _, process := range p.next.Spec.Processes {
		if n := p.walk.Wanted[process.Name]; process.Stateful() && n > 0 {
			names, numbers = append(names, process.Name), append(numbers, fmt.Sprint(n))
			total += n
		}
	}
	if total == 0 {
		return others
	}
	if len(names) > 1 {
		verb = strings.NewReplacer("is stopped", "are stopped", "starts", "start").Replace(verb)
	}
	noun := "instances"
	if total == 1 {
		noun = "instance"
	}
	text := fmt.Sprintf("%s %s, %s %s", listed(names), verb, strings.Join(numbers, " + "), noun)
	if len(stateless(p.next.Spec).Processes) == 0 || others == "" {
		return text
	}
	return others + "; " + text
}

// gaps say what stopping first means for those who send requests.
func (p prediction) gaps() []string {
	var list []string
	if !p.replaced() {
		return nil
	}
	for _, process := range p.next.Spec.Processes {
		n := min(p.standing[process.Name], p.walk.Wanted[process.Name])
		gap := gapOf(p.before, process)
		switch {
		case !p.keeps(process.Name) || n == 0:
		case n > 1:
			list = append(list, fmt.Sprintf("%s is stopped first: its %d instances are replaced one after the other, each gone for about %.0f s while the others serve", process.Name, n, gap.Seconds()))
		case len(process.Routes) > 0:
			list = append(list, fmt.Sprintf("%s is stopped first: for about %.0f s requests find no instance, and the router answers 404", process.Name, gap.Seconds()))
		default:
			list = append(list, fmt.Sprintf("%s is stopped first: for about %.0f s nothing of it runs", process.Name, gap.Seconds()))
		}
	}
	return list
}

// checkData asks Nomad about the job of the slot Data, without the volumes that are still to be made.
func (d *Deployer) checkData(ctx context.Context, p prediction, plan *paas.Plan) {
	row, has := p.after.Slots[paas.Data]
	counts := map[string]int{}
	for name := range kept(p.next.Spec) {
		counts[name] = p.walk.Wanted[name]
	}
	if !has || !p.next.Spec.Stateful() || total(counts) == 0 {
		return
	}
	if row.Aside != nil && !p.walk.InPlace() && !p.walk.Current().Data {
		row = row.Turned()
	}
	job, err := d.amended(row, p.after, counts)
	if err != nil {
		plan.Warnings = append(plan.Warnings, unasked(err))
		return
	}
	if slices.ContainsFunc(volumesOf(row, p.next.Spec, counts), func(v paas.HostVolume) bool { return !slices.ContainsFunc(p.before.Volumes, v.Same) }) {
		job = jobspec.Unmounted(job)
	}
	answer, err := d.scheduler.Plan(ctx, row.Team, job)
	if err != nil && p.old.Number == 0 && row.Team != paas.DefaultTeam {
		job.Namespace = new(paas.DefaultTeam)
		answer, err = d.scheduler.Plan(ctx, paas.DefaultTeam, job)
	}
	if err != nil {
		plan.Warnings = append(plan.Warnings, unasked(err))
		return
	}
	plan.Placement.Checked = true
	block(plan, answer, job, p, counts, false)
}
