package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// capacity is what the app takes before, at the peak and afterwards. Converge asks for the new
// instances of a step before it lets old ones go, so both count at that moment.
func (p prediction) capacity() paas.CapacityPlan {
	wanted := p.standing
	if p.changes() {
		wanted = p.walk.Wanted
	}
	plan := paas.CapacityPlan{Before: taken(p.old.Spec, p.standing), After: taken(p.next.Spec, wanted)}
	plan.Peak = plan.Before.Max(plan.After)
	if !p.changes() || p.walk.InPlace() {
		return plan
	}
	old := p.standing
	for _, step := range p.walk.Steps {
		if step.Data { // what has a volume has gone when its successor comes
			old = lacking(old, kept(p.next.Spec))
		}
		plan.Peak = plan.Peak.Max(taken(p.next.Spec, step.New).Add(taken(p.old.Spec, old), 1))
		old = step.Old
	}
	for _, t := range p.next.Spec.Tasks {
		switch t.Phase {
		case paas.PhaseBefore:
			plan.Peak = plan.Peak.Max(plan.Before.Add(t.Capacity(), 1))
		case paas.PhaseAfter:
			plan.Peak = plan.Peak.Max(plan.After.Add(t.Capacity(), 1))
		case paas.PhaseManual:
		}
	}
	return plan
}

func taken(spec paas.Spec, counts map[string]int) paas.Capacity {
	var sum paas.Capacity
	for _, process := range spec.Processes {
		sum = sum.Add(process.Capacity(), counts[process.Name])
	}
	return sum
}

// routes are the route table before and after.
func (p prediction) routes() paas.RoutePlans {
	plan := paas.RoutePlans{Before: []paas.RoutePlan{}, After: []paas.RoutePlan{}}
	live := p.before.App.Live
	plan.Before = append(plan.Before, table(p.old, live, p.standing)...)
	if !p.changes() {
		plan.After = plan.Before
		return plan
	}
	plan.After = append(plan.After, table(p.next, p.walk.Slot, p.walk.Wanted)...)
	byWeight := func(s paas.Step) bool { return s.Share != nil }
	if slices.ContainsFunc(p.walk.Steps, byWeight) {
		for _, step := range p.walk.Steps {
			plan.Steps = append(plan.Steps, p.routesAt(step))
		}
	}
	return plan
}

// routesAt is the table at one step of a walk: both slots, with their shares.
func (p prediction) routesAt(step paas.Step) []paas.RoutePlan {
	rows := append(table(p.next, p.walk.Slot, step.New), table(p.old, p.walk.From, step.Old)...)
	rows = slices.DeleteFunc(rows, func(r paas.RoutePlan) bool { return r.Slot == paas.Data && r.Instances == 0 })
	behind := map[string]int{} // instances by route
	for _, row := range rows {
		behind[row.Route] += row.Instances
	}
	for i, row := range rows {
		switch {
		case row.Instances == 0:
			rows[i].Share = 0
		case step.Share == nil || row.Instances == behind[row.Route]:
			rows[i].Share = 100 * float64(row.Instances) / float64(behind[row.Route])
		case row.Slot == p.walk.Slot:
			rows[i].Share = float64(*step.Share)
		default:
			rows[i].Share = float64(100 - *step.Share)
		}
	}
	slices.SortStableFunc(rows, func(a, b paas.RoutePlan) int { return cmp.Compare(a.Route, b.Route) })
	return rows
}

func table(rel paas.Release, slot paas.Slot, counts map[string]int) []paas.RoutePlan {
	var rows []paas.RoutePlan
	for _, process := range rel.Spec.Processes {
		slot := slot
		if process.Stateful() {
			slot = paas.Data
		}
		for _, r := range process.Routes {
			service := paas.Service{Team: rel.Team, App: rel.App, Process: process.Name, Slot: slot}
			row := paas.RoutePlan{Route: r.String(), Service: service.String(), Slot: slot, Instances: counts[process.Name]}
			if row.Instances > 0 {
				row.Share = 100
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// changed lists the keys that differ, the one that forces the walk first.
func (p prediction) changed() []paas.KeyChange {
	list := paas.DiffReleases(p.old, p.next)
	if p.old.Number == 0 {
		return []paas.KeyChange{} // all is new
	}
	if p.walk.Why == "" {
		return list
	}
	at := forcing(list, p.walk.Why)
	if at < 0 { // what is not a key of the spec: how Crumpet renders jobs
		return append([]paas.KeyChange{{Key: p.walk.Why, Forces: true}}, list...)
	}
	first := list[at]
	first.Forces = true
	return append([]paas.KeyChange{first}, slices.Delete(list, at, at+1)...)
}

// forcing finds the key of the spec that a key of the job comes from: process.web.env.A may stand in
// the spec as env.A, and process.web.health as process.web.health.readiness.path.
func forcing(list []paas.KeyChange, why string) int {
	general := why
	if rest, ok := strings.CutPrefix(why, "process."); ok {
		_, general, _ = strings.Cut(rest, ".")
	}
	for _, same := range []func(key string) bool{
		func(key string) bool { return key == why },
		func(key string) bool { return strings.HasPrefix(key, why+".") },
		func(key string) bool { return key == general },
		func(key string) bool { return strings.HasPrefix(key, general+".") },
		func(key string) bool { return strings.HasPrefix(why, key+".") },
		func(key string) bool { return strings.HasPrefix(general, key+".") },
	} {
		if at := slices.IndexFunc(list, func(c paas.KeyChange) bool { return same(c.Key) }); at >= 0 {
			return at
		}
	}
	return -1
}

// why says in one line what forces the change and what it comes to, such as
// "env.GREETING changed -> web and worker move to green, 3 + 1 instances".
func (p prediction) why(changes []paas.KeyChange, forced bool) string {
	cause := p.cause(changes, forced)
	switch {
	case !p.changes():
		return fmt.Sprintf("nothing changed: release %d serves already", p.next.Number)
	case p.walk.From == "":
		return fmt.Sprintf("%s -> %s", cause, p.withData(p.moves("starts in", "start in"), "starts"))
	case !p.walk.InPlace() && p.replaced():
		return fmt.Sprintf("%s -> %s", cause, p.withData(p.moves("moves to", "move to"), stoppedFirst))
	case !p.walk.InPlace():
		return fmt.Sprintf("%s -> %s", cause, p.moves("moves to", "move to"))
	case p.replaced():
		return fmt.Sprintf("%s -> %s%s", cause, p.withData("", stoppedFirst), p.resized())
	case p.touched:
		return fmt.Sprintf("%s -> %s changed in place%s", cause, p.walk.Slot, p.resized())
	default:
		return cause + " -> no instance is touched"
	}
}

func (p prediction) cause(changes []paas.KeyChange, forced bool) string {
	switch {
	case p.old.Number == 0:
		return "first release"
	case forced && p.walk.Why == "":
		return "--force"
	case len(changes) > 0 && changes[0].Key == "crumpet":
		return "Crumpet or its operator renders jobs in another way"
	case len(changes) > 0 && (changes[0].Forces || p.walk.InPlace()):
		return changes[0].Key + " changed"
	case p.before.App.Stopped:
		return "the app is stopped"
	default:
		return "another release"
	}
}

// moves names the processes that have instances afterwards, with their numbers.
func (p prediction) moves(one, many string) string {
	var names, numbers []string
	total := 0
	for _, process := range stateless(p.next.Spec).Processes {
		n := p.walk.Wanted[process.Name]
		if n == 0 {
			continue
		}
		names, numbers = append(names, process.Name), append(numbers, fmt.Sprint(n))
		total += n
	}
	if total == 0 {
		return "no instance is wanted"
	}
	verb, noun := many, "instances"
	if len(names) == 1 {
		verb = one
	}
	if total == 1 {
		noun = "instance"
	}
	return fmt.Sprintf("%s %s %s, %s %s", listed(names), verb, p.walk.Slot, strings.Join(numbers, " + "), noun)
}

// resized names the processes whose numbers change in place.
func (p prediction) resized() string {
	var parts []string
	for _, process := range p.processes() {
		if process.Before != process.After {
			parts = append(parts, fmt.Sprintf("%s %d to %d", process.Name, process.Before, process.After))
		}
	}
	switch {
	case len(parts) == 0 && p.replaced():
		return ""
	case len(parts) == 0:
		return ", every instance stays"
	}
	return ", " + strings.Join(parts, ", ")
}

// listed joins names as a sentence does.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// tasks are those that run by themselves around the walk.
func (p prediction) tasks() []paas.TaskPlan {
	list := []paas.TaskPlan{}
	if !p.changes() {
		return list
	}
	for _, phase := range []paas.Phase{paas.PhaseBefore, paas.PhaseAfter} {
		for _, t := range p.next.Spec.Tasks {
			if t.Phase == phase {
				list = append(list, paas.TaskPlan{Name: t.Name, Phase: phase})
			}
		}
	}
	return list
}

// What becomes of a cron.
const (
	cronAdded   = "added"
	cronChanged = "changed"
	cronRemoved = "removed"
)

// crons are those that come, change or go.
func (p prediction) crons(changes []paas.KeyChange) []paas.CronPlan {
	list := []paas.CronPlan{}
	if !p.changes() {
		return list
	}
	old := map[string]paas.Cron{}
	for _, c := range p.old.Spec.Crons {
		old[c.Name] = c
	}
	for _, c := range p.next.Spec.Crons {
		_, had := old[c.Name]
		delete(old, c.Name)
		switch {
		case !had:
			list = append(list, cronPlan(c, cronAdded))
		case slices.ContainsFunc(changes, func(k paas.KeyChange) bool {
			return strings.HasPrefix(k.Key, "cron."+c.Name+".") || strings.HasPrefix(k.Key, "env.") || k.Key == "artifact"
		}):
			list = append(list, cronPlan(c, cronChanged))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		list = append(list, cronPlan(old[name], cronRemoved))
	}
	return list
}

func cronPlan(c paas.Cron, change string) paas.CronPlan {
	return paas.CronPlan{Name: c.Name, Change: change, Schedule: c.Schedule, TimeZone: c.TimeZone}
}

// strategy is how the release is walked to: as its spec says, unless it served before.
func (p prediction) strategy() paas.Strategy {
	spec := p.next.Spec
	if p.walk.ID != "" {
		spec = planned(p.walk, spec)
	}
	return Policy(spec).Strategy
}

// fragments lists the escape hatch of a spec.
func fragments(spec paas.Spec) []paas.NomadPiece {
	list := []paas.NomadPiece{}
	for _, f := range jobspec.Fragments(spec) {
		list = append(list, paas.NomadPiece(f))
	}
	return list
}
