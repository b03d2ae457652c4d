package logs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// eventsAtOnce is how many events are read at a time.
const eventsAtOnce = 200

// story gives the events of an app as lines: of its builds, and of what the platform did.
type story struct {
	store Store
	query paas.LogQuery
	ids   map[string]bool // of the instances asked for, when some are

	queue []paas.Event
	read  int64 // id of the last event read
	told  int64 // id of the last event given, or left out
}

// begin reads the last events before the present. Those are told first.
func (s *story) begin(ctx context.Context, lines int) error {
	events, err := s.store.Events(ctx, paas.EventFilter{Team: s.query.Ref.Team, App: s.query.Ref.App, Limit: max(lines, 1), Last: true})
	if err != nil {
		return err
	}
	s.queue = events
	if len(events) > 0 {
		s.read = events[len(events)-1].ID
	}
	return nil
}

// load reads what has happened since, as far as there is room.
func (s *story) load(ctx context.Context) error {
	for len(s.queue) < eventsAtOnce {
		events, err := s.store.Events(ctx, paas.EventFilter{After: s.read, Team: s.query.Ref.Team, App: s.query.Ref.App, Limit: eventsAtOnce})
		if err != nil {
			return err
		}
		s.queue = append(s.queue, events...)
		if len(events) > 0 {
			s.read = events[len(events)-1].ID
		}
		if len(events) < eventsAtOnce {
			return nil
		}
	}
	return nil
}

// next gives the next event that happened before a time, of the zero time the next one there is.
func (s *story) next(before time.Time) (line paas.LogLine, ok bool) {
	for len(s.queue) > 0 {
		e := s.queue[0]
		if !before.IsZero() && e.Time.After(before) {
			return line, false
		}
		s.queue, s.told = s.queue[1:], e.ID
		if s.wanted(e) {
			return lineOf(e), true
		}
	}
	return line, false
}

func (s *story) wanted(e paas.Event) bool {
	q := s.query
	return wants(q, sourceOf(e)) && (q.Release == 0 || e.Release == q.Release) &&
		(q.Process == "" || e.Process == q.Process) && (q.Instance == "" || e.Instance != "" && s.ids[e.Instance])
}

func sourceOf(e paas.Event) paas.LogSource {
	if strings.HasPrefix(string(e.Kind), "build.") {
		return paas.LogBuild
	}
	return paas.LogPlatform
}

func lineOf(e paas.Event) paas.LogLine {
	source := sourceOf(e)
	return paas.LogLine{
		Source: source, Name: string(source), Instance: e.Instance, Process: e.Process, Release: e.Release,
		Time: e.Time, TimeFrom: paas.TimeLine, Text: e.Message,
	}
}

// wants says whether lines of a source are asked for.
func wants(q paas.LogQuery, source paas.LogSource) bool {
	return len(q.Sources) == 0 || slices.Contains(q.Sources, source)
}
