package paas_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var pushedAt = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func second(n int) *time.Time {
	at := pushedAt.Add(time.Duration(n) * time.Second)
	return &at
}

// line is a milestone as a row of a table.
type line struct {
	Kind  paas.MilestoneKind
	State paas.MilestoneState
	At    int // seconds after pushedAt; -1 where it is ahead
	Share int // -1 for none
}

func linesOf(list []paas.Milestone) []line {
	var lines []line
	for _, m := range list {
		l := line{m.Kind, m.State, -1, -1}
		if m.At != nil {
			l.At = int(m.At.Sub(pushedAt).Seconds())
		}
		if m.Share != nil {
			l.Share = *m.Share
		}
		lines = append(lines, l)
	}
	return lines
}

// canary is a deployment of release 4, at its second step of three, with its story so far.
func canary() (paas.Deployment, paas.Story) {
	d := paas.Deployment{
		ID: "d1", Team: "red", App: "shop", Release: 4, Previous: 3, Slot: paas.Green, From: paas.Blue, Cause: "push", State: paas.DeploymentRunning,
		Steps: []paas.Step{{Share: new(0)}, {Share: new(25), Hold: time.Minute}, {Share: new(50), Manual: true}, {}}, Step: 1,
		CreatedAt: *second(6), StartedAt: second(7),
	}
	event := func(at int, kind paas.EventKind, message string) paas.Event {
		return paas.Event{Time: *second(at), Team: "red", App: "shop", Kind: kind, Release: 4, Deployment: "d1", Message: message}
	}
	of := func(release, at int, kind paas.EventKind, message string) paas.Event {
		return paas.Event{Time: *second(at), Team: "red", App: "shop", Kind: kind, Release: release, Message: message}
	}
	step := event(12, paas.EventDeploymentStep, "step 2 of 4")
	step.Share = new(25)
	return d, paas.Story{
		Build: &paas.BuildJob{Build: paas.Build{Builder: paas.BuilderGo}, CreatedAt: pushedAt, EndedAt: second(5)}, Maker: "ann",
		Events: []paas.Event{
			of(3, 1, paas.EventInstanceHealth, "web 0 (blue) is healthy"), // of before, and of another release
			event(7, paas.EventDeploymentStarted, "walks"),
			of(3, 8, paas.EventInstanceState, "web 1 (blue) runs"),
			of(4, 8, paas.EventInstanceState, "web 0 (green) was placed on node n"),
			of(4, 9, paas.EventInstanceState, "web 0 (green) runs on node n"),
			of(4, 10, paas.EventInstanceHealth, "web 0 (green) is not healthy any more"),
			of(4, 11, paas.EventInstanceHealth, "web 0 (green) is healthy"),
			step,
			{Time: *second(13), Kind: paas.EventDeploymentStep, Deployment: "another", Release: 4},
		},
	}
}

func TestATimelineHasWhatWasReachedAndWhatIsAhead(t *testing.T) {
	t.Parallel()
	list := paas.TimelineOf(canary())
	want := []line{
		{paas.MilestonePushed, paas.MilestoneDone, 0, -1},
		{paas.MilestoneBuilt, paas.MilestoneDone, 5, -1},
		{paas.MilestoneReleased, paas.MilestoneDone, 6, -1},
		{paas.MilestoneStarted, paas.MilestoneDone, 7, -1},
		{paas.MilestonePlaced, paas.MilestoneDone, 8, -1},
		{paas.MilestoneHealthy, paas.MilestoneDone, 11, -1},
		{paas.MilestoneStep, paas.MilestoneCurrent, 12, 25},
		{paas.MilestoneStep, paas.MilestoneAhead, -1, 50},
		{paas.MilestoneStep, paas.MilestoneAhead, -1, -1},
		{paas.MilestoneEnded, paas.MilestoneAhead, -1, -1},
	}
	if diff := cmp.Diff(want, linesOf(list)); diff != "" {
		t.Error(diff)
	}
	if list[1].TookMS != 5000 || list[6].TookMS != 1000 || list[2].By != "ann" || list[7].Text != "step 3 of 4: 50 % of requests to the new, held until promoted" {
		t.Errorf("%+v", list)
	}
}

func TestATimelineThatEndedWell(t *testing.T) {
	t.Parallel()
	d, story := canary()
	d.State, d.Step = paas.DeploymentHealthy, 3
	d.HealthyAt, d.RoutedAt, d.SwitchedAt, d.EndedAt = second(20), second(21), second(22), second(22)
	story.Events = append(story.Events,
		paas.Event{Time: *second(22), Kind: paas.EventDeploymentEnded, Deployment: "d1", Release: 4, Message: "release 4 is healthy"},
		paas.Event{Time: *second(30), Kind: paas.EventInstanceState, Release: 4, Message: "long after"})
	got := linesOf(paas.TimelineOf(d, story))
	want := []line{
		{paas.MilestoneHealthy, paas.MilestoneDone, 20, -1},
		{paas.MilestoneRouted, paas.MilestoneDone, 21, -1},
		{paas.MilestoneSwitched, paas.MilestoneDone, 22, -1},
		{paas.MilestoneEnded, paas.MilestoneDone, 22, -1},
	}
	if diff := cmp.Diff(want, got[len(got)-4:]); diff != "" {
		t.Error(diff)
	}
}

func TestATimelineThatTurnedBackSaysWhere(t *testing.T) {
	t.Parallel()
	d, story := canary()
	d.State, d.Abort, d.EndedAt = paas.DeploymentReverted, true, second(30)
	story.Events = append(story.Events,
		paas.Event{Time: *second(25), Kind: paas.EventDeploymentAborting, Deployment: "d1", Release: 4, Message: "web exited 3 times with code 1"},
		paas.Event{Time: *second(30), Kind: paas.EventDeploymentEnded, Deployment: "d1", Release: 4, Message: "release 4 ended as reverted"})
	list := paas.TimelineOf(d, story)
	got := linesOf(list)
	want := []line{{paas.MilestoneTurned, paas.MilestoneFailed, 25, -1}, {paas.MilestoneEnded, paas.MilestoneFailed, 30, -1}}
	if diff := cmp.Diff(want, got[len(got)-2:]); diff != "" || list[len(list)-2].Text != "web exited 3 times with code 1" {
		t.Errorf("%s %+v", diff, list)
	}
}

func TestATimelineOfAChangeInPlaceHasNoNewInstance(t *testing.T) {
	t.Parallel()
	d, story := canary()
	d.Slot, d.Cause, d.Steps, d.Step, story.Build, story.Maker = paas.Blue, "scale", []paas.Step{{}}, 0, nil, ""
	for _, m := range paas.TimelineOf(d, story) {
		if m.Kind == paas.MilestonePlaced || m.Kind == paas.MilestoneHealthy || m.Kind == paas.MilestonePushed || m.Kind == paas.MilestoneBuilt {
			t.Errorf("%+v", m)
		}
	}
}
