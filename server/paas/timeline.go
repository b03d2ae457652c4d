package paas

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MilestoneKind names a point on the way from a push to a release that serves.
type MilestoneKind string

// The kinds, in the order in which they mostly come about. What the walk does may come anywhere after it started.
const (
	MilestonePushed   MilestoneKind = "pushed"   // the source is on the server
	MilestoneBuilt    MilestoneKind = "built"    // there is an artifact of it, or it could not be built
	MilestoneReleased MilestoneKind = "released" // the release is made, its deployment waits for its turn
	MilestoneStarted  MilestoneKind = "started"
	MilestonePlaced   MilestoneKind = "placed"  // the first new instance has a node
	MilestoneHealthy  MilestoneKind = "healthy" // a new instance passes its checks: the first one, then every one
	MilestoneStep     MilestoneKind = "step"    // the next step of the walk
	MilestoneHeld     MilestoneKind = "held"    // it stays where it is: Text says why
	MilestoneTurned   MilestoneKind = "turned"  // it walks back
	MilestoneRouted   MilestoneKind = "routed"  // every route answers
	MilestoneSwitched MilestoneKind = "switched"
	MilestoneEnded    MilestoneKind = "ended"
)

// MilestoneState says whether a milestone is behind.
type MilestoneState string

// The states.
const (
	MilestoneDone    MilestoneState = "done"
	MilestoneCurrent MilestoneState = "current" // the last one that was reached, of a deployment under way
	MilestoneAhead   MilestoneState = "ahead"
	MilestoneFailed  MilestoneState = "failed" // here it went wrong
)

// Milestone is one point of a deployment's timeline.
type Milestone struct {
	Kind   MilestoneKind  `json:"kind"`
	State  MilestoneState `json:"state"`
	Text   string         `json:"text"`              // for people, without a full stop
	At     *time.Time     `json:"at,omitempty"`      // left out where it is ahead
	TookMS int64          `json:"took_ms,omitempty"` // since the milestone before it
	Share  *int           `json:"share,omitempty"`   // percentage of requests that the new release has from then on, where a rule says so
	By     string         `json:"by,omitempty"`
}

// Story is what a timeline is made of, beside the deployment itself.
type Story struct {
	Build  *BuildJob // that made the release's artifact for it; nil for none
	Maker  string    // of the release; "" where it is not known
	Events []Event   // of the app, by id: of deployments, and of instances
}

// TimelineOf gives a deployment's milestones, oldest first, those ahead last. Pure.
//
//	pushed - built - released - started - placed - healthy - step ... - routed - switched - ended
func TimelineOf(d Deployment, s Story) []Milestone {
	var list []Milestone
	add := func(kind MilestoneKind, at *time.Time, text string) {
		if at != nil && !at.IsZero() {
			list = append(list, Milestone{Kind: kind, State: MilestoneDone, At: at, Text: text})
		}
	}
	if b := s.Build; b != nil {
		add(MilestonePushed, &b.CreatedAt, "The source is on the server")
		add(MilestoneBuilt, b.EndedAt, "Built with "+string(b.Build.Builder))
	}
	add(MilestoneReleased, &d.CreatedAt, releasedText(d))
	if s.Maker != "" {
		list[len(list)-1].By = s.Maker
	}
	placed, healthy := false, false
	for _, e := range s.Events {
		switch {
		case e.Deployment == d.ID:
			if m, ok := milestoneOf(e); ok {
				list = append(list, m)
			}
		case e.Release != d.Release || e.Time.Before(d.CreatedAt) || d.EndedAt != nil && e.Time.After(*d.EndedAt):
		case e.Kind == EventInstanceState && !placed && !d.InPlace():
			placed = true
			add(MilestonePlaced, &e.Time, "First new instance: "+e.Message)
		case e.SaysHealthy() && !healthy && !d.InPlace():
			healthy = true
			add(MilestoneHealthy, &e.Time, "First new instance: "+e.Message)
		}
	}
	if !d.Abort {
		add(MilestoneHealthy, d.HealthyAt, "Every new instance is healthy")
		add(MilestoneRouted, d.RoutedAt, "Every route answers")
	}
	add(MilestoneSwitched, d.SwitchedAt, fmt.Sprintf("Release %d has all requests", d.Release))
	slices.SortStableFunc(list, func(a, b Milestone) int { return cmp.Or(a.At.Compare(*b.At), cmp.Compare(rank(a), rank(b))) })
	for i := range list[1:] {
		list[i+1].TookMS = list[i+1].At.Sub(*list[i].At).Milliseconds()
	}
	return append(judged(d, list), ahead(d)...)
}

// rank orders what has the same time: the end comes last.
func rank(m Milestone) int {
	if m.Kind == MilestoneEnded {
		return 1
	}
	return 0
}

func releasedText(d Deployment) string {
	switch {
	case d.Cause != "push" && d.Release == d.Previous:
		return fmt.Sprintf("Release %d begins anew: %s", d.Release, d.Cause)
	case d.Cause != "push" && d.Cause != "":
		return fmt.Sprintf("Release %d is made: %s", d.Release, d.Cause)
	}
	return fmt.Sprintf("Release %d is made", d.Release)
}

func milestoneOf(e Event) (Milestone, bool) {
	kind, ok := map[EventKind]MilestoneKind{
		EventDeploymentStarted: MilestoneStarted, EventDeploymentStep: MilestoneStep, EventDeploymentHeld: MilestoneHeld,
		EventDeploymentAborting: MilestoneTurned, EventDeploymentEnded: MilestoneEnded,
	}[e.Kind]
	at := e.Time
	return Milestone{Kind: kind, State: MilestoneDone, At: &at, Text: e.Message, Share: e.Share, By: e.By}, ok
}

// judged marks the milestone that a deployment under way stands at, and those at which it went wrong.
func judged(d Deployment, list []Milestone) []Milestone {
	for i := range list {
		turned := list[i].Kind == MilestoneTurned
		badly := list[i].Kind == MilestoneEnded && (d.State == DeploymentFailed || d.State == DeploymentReverted)
		if turned || badly {
			list[i].State = MilestoneFailed
		}
	}
	if last := len(list) - 1; !d.State.Ended() && last >= 0 && list[last].State == MilestoneDone {
		list[last].State = MilestoneCurrent
	}
	return list
}

// ahead gives the steps that a deployment under way has not begun yet, and its end.
func ahead(d Deployment) []Milestone {
	if d.State.Ended() {
		return nil
	}
	var list []Milestone
	for n := d.Step + 1; n < len(d.Steps); n++ {
		list = append(list, Milestone{Kind: MilestoneStep, State: MilestoneAhead, Text: d.Steps[n].text(n, len(d.Steps)), Share: d.Steps[n].Share})
	}
	text := fmt.Sprintf("release %d serves", d.Release)
	if d.Abort {
		text = "walked back"
	}
	return append(list, Milestone{Kind: MilestoneEnded, State: MilestoneAhead, Text: text})
}

func (s Step) text(n, of int) string {
	text := fmt.Sprintf("step %d of %d", n+1, of)
	var parts []string
	if s.Share != nil {
		parts = append(parts, fmt.Sprintf("%d %% of requests to the new", *s.Share))
	}
	if s.Manual {
		parts = append(parts, "held until promoted")
	} else if s.Hold > 0 {
		parts = append(parts, "held for "+s.Hold.String())
	}
	if len(parts) == 0 {
		return text
	}
	return text + ": " + strings.Join(parts, ", ")
}
