package cli

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// screenLines is what a screen shows, line by line.
func (s *session) screenLines(shown screen) []string {
	status := shown.status
	lines := []string{s.headline(status)}
	if origin := s.originText(status.Origin); origin != "" {
		lines = append(lines, s.faint(origin))
	}
	if shown.why != "" {
		lines = append(lines, s.wrapped(shown.why)...)
	}
	if d := status.Deployment; d != nil {
		lines = append(lines, "")
		lines = append(lines, s.walkLines(*d)...)
	}
	if len(status.Processes) > 0 {
		lines = append(lines, "")
		lines = append(lines, s.processLines(status.Processes)...)
	}
	if list := slices.DeleteFunc(slices.Clone(status.Instances), endedAsAsked); len(list) > 0 {
		lines = append(lines, "")
		lines = append(lines, s.instanceLines(list)...)
	}
	if len(status.Routes) > 0 {
		lines = append(lines, "")
		var rows [][]string
		for _, r := range status.Routes {
			rows = append(rows, []string{r.URL, s.tone(string(r.State))})
		}
		lines = append(lines, s.tableLines([]string{"ROUTE", "STATE"}, rows)...)
	}
	if len(status.Bindings) > 0 {
		lines = append(lines, "")
		lines = append(lines, s.bindingLines(status.Bindings, false)...)
	}
	if len(shown.events) > 0 {
		lines = append(lines, "", s.bold("EVENTS"))
		for _, e := range shown.events {
			lines = append(lines, s.faint(clockText(e.Time))+"  "+e.Message)
		}
	}
	return lines
}

func (s *session) headline(status wire.Status) string {
	line := fmt.Sprintf("%s is %s", s.bold(status.App), s.tone(string(status.Health)))
	if status.Release > 0 {
		line += fmt.Sprintf(", release %d in %s", status.Release, status.Slot)
	}
	return line
}

// originText says where a release came from, on one line.
func (s *session) originText(o *wire.Origin) string {
	if o == nil {
		return ""
	}
	text := "made " + ago(o.CreatedAt) + " by " + o.CreatedBy
	if o.RollbackTo > 0 {
		text += fmt.Sprintf(", restoring release %d", o.RollbackTo)
	}
	if o.Commit != "" {
		text += ", commit " + shortCommit(paas.Release{Commit: o.Commit, Dirty: o.Dirty})
	}
	if o.Note != "" {
		text += ": " + firstLine(o.Note)
	}
	return text
}

// walkLines shows a deployment, and where it stands.
func (s *session) walkLines(d paas.Deployment) []string {
	lines := s.wrapped(s.deploymentText(d))
	if d.State.Ended() || d.InPlace() || len(d.Steps) == 0 {
		return lines
	}
	at := d.Current()
	text := fmt.Sprintf("  %s is to have %s", d.Slot, countsText(at.New))
	if d.Previous > 0 {
		text += fmt.Sprintf(", %s %s", d.From, countsText(at.Old))
	}
	if at.Share == nil {
		text += "; requests follow the instances"
	} else {
		text += fmt.Sprintf("; %s gets %d %% of the requests", d.Slot, *at.Share)
	}
	lines = append(lines, s.wrapped(text)...)
	if d.HeldAt != nil {
		text := "  it has waited for " + span(time.Since(*d.HeldAt))
		if at.Hold > 0 && d.Waits == paas.WaitHold && !at.Manual {
			text += " of " + at.Hold.String()
		}
		lines = append(lines, text)
	}
	return lines
}

func countsText(counts map[string]int) string {
	if len(counts) == 0 {
		return "nothing"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, counts[name]))
	}
	return strings.Join(parts, " ")
}

func (s *session) processLines(list []wire.Process) []string {
	var rows [][]string
	for _, p := range list {
		rows = append(rows, []string{p.Name, strconv.Itoa(p.Wanted), strconv.Itoa(p.Running), strconv.Itoa(p.Healthy)})
	}
	return s.tableLines([]string{"PROCESS", "WANTED", "RUNNING", "HEALTHY"}, rows)
}

// endedAsAsked says that there is nothing to tell of an instance any more: it was stopped as somebody wished.
func endedAsAsked(i wire.Instance) bool { return i.State == paas.InstanceComplete && i.Reason == "" }

// instanceLines shows instances in a table, and below a row why it is not well and when it is tried
// again.
func (s *session) instanceLines(list []wire.Instance) []string {
	var rows [][]string
	for _, i := range list {
		rows = append(rows, []string{
			short(i.ID), fmt.Sprintf("%s.%d", i.Process, i.Index), fmt.Sprintf("%d %s", i.Release, i.Slot), s.tone(string(i.State)), s.tone(string(i.Health)), i.Node, ago(i.Since), number(i.Restarts),
		})
	}
	table := s.tableLines([]string{"INSTANCE", "PROCESS", "RELEASE", "STATE", "HEALTH", "NODE", "SINCE", "RESTARTS"}, rows)
	lines := slices.Clone(table[:1])
	for n, i := range list {
		lines = append(lines, table[n+1])
		text := i.Reason
		if i.NextTry != nil {
			text = strings.TrimPrefix(text+", next try "+untilText(*i.NextTry), ", ")
		}
		if text != "" {
			for _, line := range s.wrapped("  " + text) {
				lines = append(lines, s.faint(line))
			}
		}
	}
	return lines
}

// span is how long something lasts, in its two largest units at most.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// tableLines is a table, line by line.
func (s *session) tableLines(header []string, rows [][]string) []string {
	var b bytes.Buffer
	s.table(&b, header, rows)
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// wrapped breaks a text at spaces to the width of the terminal; what begins with two spaces goes on so.
func (s *session) wrapped(text string) []string {
	if s.width < 20 || lipgloss.Width(text) <= s.width {
		return []string{text}
	}
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if lipgloss.Width(line)+1+lipgloss.Width(word) > s.width && line != indent {
			lines, line = append(lines, line), indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (s *session) deploymentText(d paas.Deployment) string {
	text := fmt.Sprintf("Deployment %s (%s) of release %d is %s", d.ID, d.Cause, d.Release, s.tone(string(d.State)))
	if len(d.Steps) > 0 && !d.State.Ended() {
		text += fmt.Sprintf(", step %d of %d", min(d.Step+1, len(d.Steps)), len(d.Steps))
	}
	if d.Abort && !d.State.Ended() {
		text += ", walking back"
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return ended(text)
}
