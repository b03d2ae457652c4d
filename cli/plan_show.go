package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// lineWidth is how wide a plan may be: people read it in a terminal of 80 columns and paste it.
const lineWidth = 80

// showPlan prints a plan for a person.
func (s *session) showPlan(p paas.Plan) {
	s.print("%s", s.planTitle(p))
	s.wrap("  ", "  ", p.Why)
	if p.Waits != "" {
		s.wrap("  ", "  ", upperFirst(ended(p.Waits)))
	}
	s.showChanges(p.Changes)
	if !p.Nothing {
		s.showFates(p)
		s.showRoom(p)
		s.showSteps(p)
		s.showPlannedRoutes(p.Routes)
		s.showCapacity(p.Capacity)
		s.showPlannedQuota(p.Quota)
		s.showSides(p)
	}
	s.showFragments(p.Fragments)
	for i, w := range p.Warnings {
		if i == 0 {
			s.print("")
		}
		s.wrap(s.bold("Warning")+"  ", "         ", ended(w))
	}
}

func (s *session) planTitle(p paas.Plan) string {
	switch {
	case p.Nothing:
		return fmt.Sprintf("%s: nothing to do", s.bold(p.App))
	case p.From == 0:
		return fmt.Sprintf("%s: release %d, the first", s.bold(p.App), p.Release)
	default:
		return fmt.Sprintf("%s: release %d, after release %d in %s", s.bold(p.App), p.Release, p.From, p.FromSlot)
	}
}

// showChanges prints every key that differs, on one line where it fits.
func (s *session) showChanges(changes []paas.KeyChange) {
	for i, c := range folded(changes) {
		if i == 0 {
			s.print("")
		}
		mark, values := keyChange(c)
		note := ""
		if c.Forces {
			note = "  (forces the walk)"
		}
		line := fmt.Sprintf("%s %s  %s%s", mark, c.Key, strings.Join(values, " "), note)
		if lipgloss.Width(line) <= lineWidth {
			s.print("%s %s  %s%s", s.mark(mark), s.bold(c.Key), strings.Join(values, " "), s.faint(note))
			continue
		}
		s.print("%s %s%s", s.mark(mark), s.bold(c.Key), s.faint(note))
		for _, v := range values {
			s.print("      %s", cut(v, lineWidth-6))
		}
	}
}

// folded puts the many keys of a process, task or cron that came or went into one line, with its
// command.
func folded(changes []paas.KeyChange) []paas.KeyChange {
	whole := map[string]bool{}
	for _, c := range changes {
		// Every program has a kill_timeout; a key of the block that was there before is there still.
		if block, rest := blockOf(c.Key); rest == "kill_timeout" && (c.Old == nil) != (c.New == nil) {
			whole[block] = true
		}
	}
	var list []paas.KeyChange
	for _, c := range changes {
		block, rest := blockOf(c.Key)
		switch {
		case !whole[block]:
			list = append(list, c)
		case rest == "command" || rest == "kill_timeout" && !slices.ContainsFunc(changes, func(o paas.KeyChange) bool { return o.Key == block+".command" }):
			c.Key = block
			list = append(list, c)
		}
	}
	return list
}

// blockOf splits process.NAME, task.NAME or cron.NAME off a key.
func blockOf(key string) (block, rest string) {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) < 3 || !slices.Contains([]string{"process", "task", "cron"}, parts[0]) {
		return "", key
	}
	return parts[0] + "." + parts[1], parts[2]
}

// keyChange gives the sign of a change and its values.
func keyChange(c paas.KeyChange) (mark string, values []string) {
	value := func(text *string) string {
		if c.Key == "artifact" || c.Key == "runtime" { // a digest, as it is shown elsewhere
			return (*text)[:min(12, len(*text))]
		}
		return strings.Join(strings.Fields(*text), " ") // a fragment or file may have several lines
	}
	switch {
	case c.Old == nil && c.New == nil:
		return "~", nil
	case c.Old == nil:
		return "+", []string{value(c.New)}
	case c.New == nil:
		return "-", []string{value(c.Old)}
	default:
		return "~", []string{value(c.Old), "-> " + value(c.New)}
	}
}

// mark colours the sign of a change.
func (s *session) mark(sign string) string {
	color := map[string]string{"+": "2", "-": "1", "~": "3"}[sign]
	if !s.color {
		return sign
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(color)).Render(sign)
}

// showFates prints what becomes of the instances.
func (s *session) showFates(p paas.Plan) {
	s.print("")
	var rows [][]string
	for _, f := range p.Processes {
		row := []string{f.Name}
		for _, n := range []int{f.Before, f.After, f.Stay, f.InPlace, f.Replaced, f.Created, f.Destroyed} {
			row = append(row, orDash(n))
		}
		rows = append(rows, row)
	}
	s.table(s.out, []string{"PROCESS", "NOW", "THEN", "STAY", "IN PLACE", "REPLACED", "CREATED", "DESTROYED"}, rows)
	s.print("")
	if !p.Walk {
		return
	}
	way := "from none to " + string(p.ToSlot)
	if p.FromSlot != "" {
		way = fmt.Sprintf("from %s to %s", p.FromSlot, p.ToSlot)
	}
	s.print("%s %s %s in %s, at most %s at once", s.bold("Walk    "), p.Strategy, way, count(len(p.Steps), "step"), count(p.Capacity.Peak.Instances, "instance"))
}

// showRoom prints whether the new instances find a place.
func (s *session) showRoom(p paas.Plan) {
	title := s.bold("Room    ") + " "
	fresh := func(f paas.ProcessPlan) bool { return f.Created+f.Replaced > 0 }
	switch {
	case !slices.ContainsFunc(p.Processes, fresh): // nothing is to find a place
	case p.Placement.Checked && len(p.Placement.Blockers) == 0:
		s.print("%severy new instance finds a node now", title)
	case p.Placement.Checked && p.Placement.Possible:
		s.print("%sthe first step finds a node for each new instance now", title)
	case !p.Placement.Checked:
		s.print("%snot asked for", title)
	}
	for _, b := range p.Placement.Blockers {
		s.wrap(title, "         ", fmt.Sprintf("%s new: %s; %s", counted(b.Counts), b.Reason, b.Then))
		title = "         "
	}
}

// showSteps prints how a walk goes.
func (s *session) showSteps(p paas.Plan) {
	if !p.Walk || len(p.Steps) < 2 {
		return
	}
	s.print("")
	var rows [][]string
	for i, step := range p.Steps {
		requests := "follow the instances"
		if step.Share != nil {
			requests = fmt.Sprintf("%d %% to %s", *step.Share, p.ToSlot)
		}
		held := "-"
		switch {
		case step.Manual:
			held = "until promoted"
		case step.Hold > 0:
			held = step.Hold.String()
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), cut(counted(step.New), 20), cut(counted(step.Old), 20), requests, held})
	}
	s.table(s.out, []string{"STEP", "IN " + strings.ToUpper(string(p.ToSlot)), "IN " + strings.ToUpper(string(p.FromSlot)), "REQUESTS", "HELD"}, rows)
}

// showPlannedRoutes prints the route table before and after.
func (s *session) showPlannedRoutes(r paas.RoutePlans) {
	if len(r.Before)+len(r.After) == 0 {
		return
	}
	s.print("")
	s.showRouteTable("Routes now", r.Before)
	s.showRouteTable("Routes then", r.After)
}

func (s *session) showRouteTable(title string, rows []paas.RoutePlan) {
	s.print("%s", s.bold(title))
	if len(rows) == 0 {
		s.print("  none")
	}
	for _, r := range rows {
		target := fmt.Sprintf("%s  %s  %s", r.Service, percent(r.Share), count(r.Instances, "instance"))
		line := fmt.Sprintf("  %s -> %s", r.Route, target)
		if lipgloss.Width(line) <= lineWidth {
			s.print("%s", line)
			continue
		}
		s.print("  %s", r.Route)
		s.print("    -> %s", target)
	}
}

// showCapacity prints what the app takes of the cluster.
func (s *session) showCapacity(c paas.CapacityPlan) {
	s.print("")
	var rows [][]string
	for _, line := range []struct {
		when string
		is   paas.Capacity
	}{{"now", c.Before}, {"at most", c.Peak}, {"then", c.After}} {
		rows = append(rows, []string{
			line.when, fmt.Sprint(line.is.Instances), fmt.Sprintf("%d MHz", line.is.CPU), orDash(line.is.Cores),
			fmt.Sprintf("%d MiB", line.is.Memory), fmt.Sprintf("%d MiB", line.is.Disk),
		})
	}
	s.table(s.out, []string{"CAPACITY", "INSTANCES", "CPU", "CORES", "MEMORY", "DISK"}, rows)
}

// showSides prints the tasks that run and the crons that change.
func (s *session) showSides(p paas.Plan) {
	if len(p.Tasks)+len(p.Crons)+len(p.Services) > 0 {
		s.print("")
	}
	for _, t := range p.Tasks {
		s.print("%s %s the walk: %s", s.bold("Task    "), t.Phase, t.Name)
	}
	s.showPlannedServices(p.Services)
	for _, c := range p.Crons {
		s.print("%s %s: %s, %s %s", s.bold("Cron    "), c.Change, c.Name, c.Schedule, c.TimeZone)
	}
}

// showPlannedServices prints what becomes of the credentials of services, and how others would reach the app.
func (s *session) showPlannedServices(list []paas.PlannedService) {
	for _, service := range list {
		text := service.Name + ": "
		switch service.Change {
		case paas.ServiceBound:
			text += fmt.Sprintf("credentials of %s are made first", service.Instance)
		case paas.ServiceBoundAgain:
			text += fmt.Sprintf("credentials of %s were ended, and are made anew first", service.Instance)
		case paas.ServiceUnbound:
			text += fmt.Sprintf("credentials of %s end after the walk; the instance is kept", service.Instance)
		default:
			text += fmt.Sprintf("keeps its credentials of %s", service.Instance)
		}
		if service.Reason != "" {
			text += " (" + service.Reason + ")"
		}
		if service.Rotation != "" {
			text += "; others would reach it " + service.Rotation
		}
		s.wrap(s.bold("Service ")+" ", "         ", ended(text))
	}
}

// showFragments prints what is merged into the Nomad job.
func (s *session) showFragments(list []paas.NomadPiece) {
	for i, f := range list {
		if i == 0 {
			s.print("")
		}
		s.print("%s %s", s.bold("Nomad   "), f.Key)
		s.wrap("         ", "         ", string(f.JSON))
	}
}

// wrap prints a text in lines of lineWidth, broken at spaces.
func (s *session) wrap(first, rest, text string) {
	line, lead := "", first
	for word := range strings.FieldsSeq(text) {
		if line != "" && lipgloss.Width(lead)+len([]rune(line))+1+len([]rune(word)) > lineWidth {
			s.print("%s%s", lead, line)
			line, lead = "", rest
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	s.print("%s%s", lead, line)
}

func cut(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-3]) + "..."
	}
	return text
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func percent(share float64) string { return fmt.Sprintf("%.4g %%", share) }

// counted is "2 web, 1 worker".
func counted(counts map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
