package why

import (
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// finding is what a row found.
type finding struct {
	said     string         // what is wrong, a clause that can follow "because"
	whole    string         // the sentence as a whole, where "because" does not fit
	instance *paas.Instance // that shows it; nil for what is not of an instance
	since    time.Time      // zero where nobody knows
	next     *time.Time     // when it is tried again
	links    []paas.Link    // of the chain, behind the release and its deployment
	key      string         // of a rule
	node     string         // its name
}

// Explain says why an app does not serve, or what else is wrong with it.
func Explain(f Facts, now time.Time) paas.Why {
	for _, v := range views(f, now) {
		for _, row := range Causes {
			find := row.find
			if find == nil {
				find = common
			}
			if found, ok := find(v, row); ok {
				return v.why(row, found)
			}
		}
	}
	return paas.Why{} // the last row of the last view always finds itself
}

// views gives what is looked at, one after the other: the release that serves, the deployment under way
// or the last one if it failed, and at last the app as a whole, where rows find what is only worth
// telling.
func views(f Facts, now time.Time) []view {
	var list []view
	whole := f.serving(now)
	if f.Snapshot.App.Release > 0 {
		of := whole
		of.stage = stageServing
		list = append(list, of)
	}
	for _, d := range f.Snapshot.Deployments {
		of := f.walking(d, now)
		of.stage = stageWalking
		list = append(list, of)
	}
	if len(f.Snapshot.Deployments) == 0 && len(f.Deployments) > 0 && f.Deployments[0].State != paas.DeploymentHealthy {
		of := f.walking(f.Deployments[0], now)
		of.stage = stageWalking
		list = append(list, of)
	}
	whole.stage = stageWhole
	return append(list, whole)
}

// stage is what a view is of.
type stage int

const (
	stageServing stage = iota // the release that serves
	stageWalking              // that of a deployment
	stageWhole                // the app
)

// why puts a finding into words.
func (v view) why(row Row, found finding) paas.Why {
	serving := v.live()
	w := paas.Why{
		Team: v.Ref.Team, App: v.Ref.App, Serving: serving, Cause: row.ID, NextTry: found.next,
		Chain: v.chain(found), Try: v.try(row, found),
	}
	w.Summary = v.summary(row, found, serving)
	return w
}

// summary is the sentence: what serves and what does not, why, since when, the last log line, and what
// to try.
func (v view) summary(row Row, found finding, serving bool) string {
	s := found.whole
	if s == "" {
		s = v.state(serving) + found.said
	}
	if !found.since.IsZero() {
		s += " (since " + clock(found.since, v.now) + ")"
	}
	if found.next != nil && found.next.After(v.now) {
		s += "; the next try is at " + clock(*found.next, v.now)
	}
	if line := strings.TrimSpace(v.LastLine); line != "" && found.instance != nil {
		const most = 160
		if len(line) > most {
			line = strings.ToValidUTF8(line[:most], "") + "..."
		}
		s += fmt.Sprintf("; last log line %q", line)
	}
	if try := v.try(row, found); len(try) > 0 && row.ID != paas.CauseServingFine {
		s += "; try `" + try[0] + "`"
	}
	return s
}

// state says which release serves and which does not, up to the word because.
func (v view) state(serving bool) string {
	number := v.release.Number
	switch {
	case serving && v.walk == nil && len(v.bad) > 0:
		return fmt.Sprintf("release %d is serving with %s, because ", number, v.count())
	case serving && v.walk == nil:
		return fmt.Sprintf("release %d is serving, but ", number)
	case serving && v.Snapshot.App.Release != number:
		return fmt.Sprintf("release %d is serving; release %d %s because ", v.Snapshot.App.Release, number, fate(*v.walk))
	case serving:
		return fmt.Sprintf("release %d is serving; its deployment %s because ", number, fate(*v.walk))
	case number == 0:
		return fmt.Sprintf("%s is not serving because ", v.Ref.App)
	}
	return fmt.Sprintf("release %d is not serving because ", number)
}

// fate is what became of a deployment, or is becoming.
func fate(d paas.Deployment) string {
	switch d.State {
	case paas.DeploymentPaused:
		return "is held"
	case paas.DeploymentReverted:
		return "was turned back"
	case paas.DeploymentCanceled:
		return "was ended"
	case paas.DeploymentFailed:
		return "was given up"
	case paas.DeploymentPending, paas.DeploymentRunning, paas.DeploymentHealthy:
	}
	if d.Abort {
		return "is being turned back"
	}
	return "is not serving yet"
}

// count says how many instances of each process serve.
func (v view) count() string {
	var parts []string
	for _, p := range v.release.Spec.Processes {
		wanted, have := v.wanted[p.Name], 0
		for _, i := range v.heads {
			if i.Process == p.Name && i.Serving() {
				have++
			}
		}
		if have < wanted {
			parts = append(parts, fmt.Sprintf("%d of %d %s instances", have, wanted, p.Name))
		}
	}
	return strings.Join(parts, " and ")
}

// try fills in a row's commands.
func (v view) try(row Row, found finding) []string {
	process := ""
	if found.instance != nil {
		process = found.instance.Process
	} else if len(v.release.Spec.Processes) > 0 {
		process = v.release.Spec.Processes[0].Name
	}
	fill := strings.NewReplacer("{app}", v.Ref.App, "{process}", process, "{node}", found.node, "{key}", found.key)
	list := []string{}
	for _, t := range row.Try {
		if process == "" {
			t = strings.TrimSuffix(t, " --process {process}")
		}
		list = append(list, strings.TrimSpace(fill.Replace(t)))
	}
	return list
}

// clock is a time of day; with its date if that is another.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return t.Format("2006-01-02 15:04:05 UTC")
	}
	return t.Format("15:04:05 UTC")
}

func short(id string) string { return id[:min(8, len(id))] }
