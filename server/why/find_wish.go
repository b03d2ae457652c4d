package why

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What was asked for, or by whom.

// neverPushed finds that there is no such app, unless the last push of it was refused: then that says more.
func neverPushed(v view, _ Row) (finding, bool) {
	if v.Known {
		return finding{}, false
	}
	var refused, changed time.Time
	for _, e := range v.Events {
		switch {
		case e.Kind == paas.EventRouteRefused:
			refused = e.Time
		case e.Kind == paas.EventAppChanged && e.App == v.Ref.App:
			changed = e.Time // only an app that was there is changed, so it is gone since
		}
	}
	found := finding{whole: fmt.Sprintf("team %s has no app %s: ", v.Ref.Team, v.Ref.App)}
	switch {
	case changed.After(refused) && changed.After(v.Build.CreatedAt):
		found.whole += "it was destroyed"
		found.since = changed
	case !refused.IsZero() || v.Build.State == paas.BuildFailed:
		return finding{}, false
	case v.Build.State == paas.BuildPending || v.Build.State == paas.BuildRunning:
		found.whole += "its source is being built"
		found.since = v.Build.CreatedAt
	case v.Build.ID != "":
		found.whole += "what was built of it was not released"
		found.since = v.Build.CreatedAt
	default:
		found.whole += "nothing was ever pushed under this name"
	}
	return found, true
}

// pushed is when the last push led to a release.
func (v view) pushed() (last time.Time) {
	for _, e := range v.Events {
		if e.Kind == paas.EventReleaseCreated && e.Time.After(last) {
			last = e.Time
		}
	}
	return last
}

func buildFailed(v view, _ Row) (finding, bool) {
	if v.stage == stageServing || v.Build.State != paas.BuildFailed || v.Build.CreatedAt.Before(v.pushed()) {
		return finding{}, false
	}
	ended := v.Build.CreatedAt
	if v.Build.EndedAt != nil {
		ended = *v.Build.EndedAt
	}
	return v.refused(paas.Link{Kind: paas.LinkBuild, ID: v.Build.ID, Text: v.Build.Reason, Since: at(ended)},
		"its source could not be built: "+strings.TrimSuffix(v.Build.Reason, ".")), true
}

func hostTaken(v view, _ Row) (finding, bool) {
	e, ok := paas.Event{}, false
	for _, one := range v.Events {
		if one.Kind == paas.EventRouteRefused {
			e, ok = one, true
		}
	}
	if v.stage == stageServing || !ok || e.Time.Before(v.pushed()) {
		return finding{}, false
	}
	return v.refused(paas.Link{Kind: paas.LinkEvent, ID: fmt.Sprint(e.ID), Text: e.Message, Since: at(e.Time)}, sentence(e.Message)), true
}

// sentence takes the first of a message, without its full stop: what follows says what to do.
func sentence(message string) string {
	first, _, _ := strings.Cut(message, ". ")
	return strings.TrimSuffix(first, ".")
}

// refused tells of a push that led to no release.
func (v view) refused(link paas.Link, said string) finding {
	found := finding{links: []paas.Link{link}, since: *link.Since}
	if v.live() {
		found.whole = fmt.Sprintf("release %d is serving, but the last push led to no release because %s", v.Snapshot.App.Release, said)
		return found
	}
	found.whole = fmt.Sprintf("%s is not serving because %s", v.Ref.App, said)
	return found
}

func destroyed(v view, _ Row) (finding, bool) {
	if !v.Snapshot.App.Deleting {
		return finding{}, false
	}
	return finding{whole: v.Ref.App + " is not serving because it is being destroyed: what runs of it is being stopped"}, true
}

func stopped(v view, _ Row) (finding, bool) {
	if !v.Snapshot.App.Stopped || len(v.Snapshot.Deployments) > 0 {
		return finding{}, false
	}
	found := finding{whole: v.Ref.App + " is not serving because somebody stopped it"}
	for _, e := range slices.Backward(v.Events) {
		if by, ok := strings.CutPrefix(e.Message, "stopped by "); ok && e.Kind == paas.EventAppChanged {
			found.whole = fmt.Sprintf("%s is not serving because it was stopped by %s", v.Ref.App, by)
			found.since = e.Time
			found.links = []paas.Link{{Kind: paas.LinkEvent, ID: fmt.Sprint(e.ID), Text: e.Message, Since: at(e.Time)}}
			break
		}
	}
	return found, true
}

func scaledToZero(v view, _ Row) (finding, bool) {
	app := v.Snapshot.App
	if v.stage != stageServing || app.Stopped || app.Deleting || len(v.Snapshot.Deployments) > 0 {
		return finding{}, false
	}
	for _, p := range v.release.Spec.Processes {
		if app.Wanted(p.Name) > 0 {
			return finding{}, false
		}
	}
	return finding{said: "every process is scaled to 0"}, true
}

// What became of a deployment.

func canceled(v view, _ Row) (finding, bool) {
	if v.walk == nil || !v.walk.Cancel || v.walk.Trouble == paas.CauseSuperseded {
		return finding{}, false
	}
	found := v.walked()
	if strings.HasPrefix(found.said, "aborted by") || strings.HasPrefix(found.said, "canceled by") {
		found.said = "it was " + found.said
	}
	return found, true
}

// superseded tells of a deployment that is turned back for a later one, and of the later one while it waits
// for what the other has left.
func superseded(v view, _ Row) (finding, bool) {
	if v.walk == nil {
		return finding{}, false
	}
	if v.walk.Trouble == paas.CauseSuperseded {
		found := v.walked()
		found.said = "it was " + found.said
		return found, true
	}
	release, _ := v.standing()
	for _, d := range v.Deployments {
		if d.Release == release && d.Trouble == paas.CauseSuperseded && v.walk.State == paas.DeploymentPending {
			return finding{said: fmt.Sprintf("%s, which was %s", v.leaving(), strings.TrimSuffix(d.Reason, ".")), since: v.walk.CreatedAt}, true
		}
	}
	return finding{}, false
}

// standing gives the release whose instances are still in the slot that a deployment will walk to, and how
// many there are.
func (v view) standing() (release, n int) {
	for _, i := range v.Instances {
		if !i.Slot.Beside(v.Snapshot.App.Live) && !i.State.Ended() {
			release = max(release, i.Release)
			n++
		}
	}
	return release, n
}

// leaving says what a deployment that has not begun waits for; "" if nothing is in its way.
func (v view) leaving() string {
	switch release, n := v.standing(); n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("it waits for the instance of release %d to stop", release)
	default:
		return fmt.Sprintf("it waits for %d instances of release %d to stop", n, release)
	}
}

func turnedBack(v view, _ Row) (finding, bool) {
	if v.walk == nil || !v.walk.State.Ended() && !v.walk.Abort {
		return finding{}, false
	}
	return v.walked(), true
}

// walked tells of a deployment in its own words.
func (v view) walked() finding {
	found := finding{said: strings.TrimSuffix(v.walk.Reason, "."), since: v.walk.StepAt}
	if v.walk.EndedAt != nil {
		found.since = *v.walk.EndedAt
	}
	if found.said == "" {
		found.said = "its deployment ended as " + string(v.walk.State)
	}
	return found
}

func paused(v view, _ Row) (finding, bool) {
	if v.walk == nil || v.walk.Waits != paas.WaitPause {
		return finding{}, false
	}
	return v.heldFinding(), true
}

func held(v view, _ Row) (finding, bool) {
	if v.walk == nil || v.walk.Waits != paas.WaitHold {
		return finding{}, false
	}
	found := v.heldFinding()
	if at := v.walk.Current(); !at.Manual && at.Hold > 0 && v.walk.HeldAt != nil {
		next := v.walk.HeldAt.Add(at.Hold)
		found.next = &next
	}
	return found, true
}

func waitsForRoom(v view, _ Row) (finding, bool) {
	if v.walk == nil || v.walk.Waits != paas.WaitRoom {
		return finding{}, false
	}
	found := v.heldFinding()
	found.whole += "; it waits for room or a decision"
	return found, true
}

// heldFinding is a sentence of its own: what a deployment waits for on purpose is no fault.
func (v view) heldFinding() finding {
	found := finding{whole: strings.TrimSuffix(v.walk.Reason, ".")}
	if own := fmt.Sprintf("release %d ", v.walk.Release); !strings.HasPrefix(found.whole, own) {
		found.whole = own + "is held: " + found.whole
	}
	if v.live() && v.Snapshot.App.Release != v.walk.Release {
		found.whole = fmt.Sprintf("release %d is serving; %s", v.Snapshot.App.Release, found.whole)
	}
	if v.walk.HeldAt != nil {
		found.since = *v.walk.HeldAt
	}
	return found
}

func deploying(v view, _ Row) (finding, bool) {
	if v.walk == nil || v.walk.State.Ended() {
		return finding{}, false
	}
	found := finding{since: v.walk.StepAt}
	switch {
	case v.walk.Reason != "":
		found.said = strings.TrimSuffix(v.walk.Reason, ".")
	case v.walk.State == paas.DeploymentPending:
		found.said = cmp.Or(v.leaving(), "its deployment has not begun yet")
	default:
		found.said = fmt.Sprintf("its deployment is at step %d of %d", min(v.walk.Step+1, len(v.walk.Steps)), len(v.walk.Steps))
	}
	return found, true
}

// What is only worth telling.

func (v view) event(kind paas.EventKind) (paas.Event, bool) {
	for _, e := range slices.Backward(v.Events) {
		if e.Kind == kind && v.now.Sub(e.Time) < recentDrift {
			return e, true
		}
	}
	return paas.Event{}, false
}

func (v view) ofEvent(kind paas.EventKind) (finding, bool) {
	e, ok := v.event(kind)
	if v.stage != stageWhole || !ok {
		return finding{}, false
	}
	return finding{
		said: strings.TrimSuffix(e.Message, "."), since: e.Time,
		links: []paas.Link{{Kind: paas.LinkEvent, ID: fmt.Sprint(e.ID), Text: e.Message, Since: at(e.Time)}},
	}, true
}

func drifted(v view, _ Row) (finding, bool) { return v.ofEvent(paas.EventDrift) }

func quarantined(v view, _ Row) (finding, bool) { return v.ofEvent(paas.EventRuleQuarantined) }

func rescheduled(v view, _ Row) (finding, bool) {
	if v.stage != stageWhole {
		return finding{}, false
	}
	for _, i := range v.heads {
		if i.Previous == "" || v.now.Sub(i.CreatedAt) > recentMove {
			continue
		}
		from := "an instance that Nomad has forgotten"
		for _, before := range v.Instances {
			if before.ID == i.Previous {
				from = fmt.Sprintf("%s on node %s", short(before.ID), before.Node)
				if n, ok := v.node(before.NodeID); ok && closed(n) {
					from += ", which is " + nodeWords(n)
				} else if before.Reason != "" {
					from += ": " + before.Reason
				}
			}
		}
		return finding{
			said:  fmt.Sprintf("%s %d was placed anew, on node %s, instead of %s", i.Process, i.Index, i.Node, from),
			since: i.CreatedAt, links: v.ofInstance(i),
		}, true
	}
	return finding{}, false
}

func fine(v view, _ Row) (finding, bool) {
	if v.stage != stageWhole {
		return finding{}, false
	}
	var parts []string
	for _, p := range v.release.Spec.Processes {
		if n := v.wanted[p.Name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.Name))
		}
	}
	whole := fmt.Sprintf("release %d is serving: every instance is healthy (%s)", v.release.Number, strings.Join(parts, ", "))
	if !v.live() {
		whole = v.Ref.App + " is not serving, and nothing that is known says why"
	}
	var links []paas.Link
	if v.release.Number > 0 {
		links = append(links, v.evaluation())
	}
	for _, fact := range v.Snapshot.Routes {
		links = append(links, routeLink(fact))
	}
	return finding{whole: whole, links: links}, true
}
