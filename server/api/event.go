package api

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// batch is how many events are read at once.
const batch = 200

// followEvents streams rows of the events table. The hub only says that there is something new: what
// is sent is always read from the store, so that it makes no difference which server a reader is on.
func (a *API) followEvents(c echo.Context) error {
	ctx := c.Request().Context()
	filter, fresh, err := eventFilter(c)
	if err != nil {
		return err
	}
	narrow(a.sightOf(ctx), &filter)
	asked := c.QueryParam("changes") == "true"
	woken := a.Hub.Subscribe(ctx) // before the first read: nothing may fall between
	if fresh {
		if filter.After, err = a.Store.LastEvent(ctx); err != nil {
			return err
		}
	}
	s := a.startStream(c)
	// An id without data is no event, but what a reader resumes after if it loses the stream now.
	if err := s.add(strconv.FormatInt(filter.After, 10), "", nil); err != nil {
		return err
	}
	heartbeat := time.NewTicker(a.Heartbeat)
	defer heartbeat.Stop()
	var due, beat <-chan time.Time // of changes; never, unless they were asked for
	var changes *changes
	if asked {
		if changes, err = a.startChanges(ctx, s, seesOf(a.sightOf(ctx), filter)); err != nil {
			a.streamEnded(ctx, err)
			return nil
		}
		defer changes.stop()
		due, beat = changes.timer.C, changes.beat.C
		if err := changes.sign(ctx); err != nil {
			a.streamEnded(ctx, err)
			return nil
		}
	}
	for {
		if err := a.sendEvents(ctx, s, &filter); err != nil {
			a.streamEnded(ctx, err)
			return nil // the status was sent long ago
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken: // also when it is closed, at the server's end: then ctx is done as well
			if ctx.Err() != nil {
				return nil
			}
			if asked {
				changes.hint()
			}
		case <-due:
			err = changes.tell(ctx)
		case <-beat:
			if err = changes.tell(ctx); err == nil { // a lost wake-up costs one beat
				err = changes.sign(ctx)
			}
		case <-heartbeat.C: // reads again as well: a lost wake-up costs one heartbeat
			s.beat()
		}
		if err != nil {
			a.streamEnded(ctx, err)
			return nil
		}
	}
}

// seesOf says of which apps a stream is to tell.
func seesOf(s sight, f paas.EventFilter) func(paas.AppRef) bool {
	return func(ref paas.AppRef) bool {
		return (f.Team == "" || f.Team == ref.Team) && (f.App == "" || f.App == ref.App) && s.app(ref)
	}
}

// sendEvents sends all there is after filter.After, and moves it.
func (a *API) sendEvents(ctx context.Context, s *stream, filter *paas.EventFilter) error {
	for {
		events, err := a.Store.Events(ctx, *filter)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := s.add(strconv.FormatInt(e.ID, 10), string(e.Kind), e); err != nil {
				return err
			}
			filter.After = e.ID
		}
		if s.buf.Len() > 0 {
			if err := s.flush(); err != nil {
				return err
			}
		}
		if len(events) < filter.Limit {
			return nil
		}
	}
}

func (a *API) streamEnded(ctx context.Context, err error) {
	if ctx.Err() == nil {
		a.Log.InfoContext(ctx, "stream ended early", "request_id", callOf(ctx).request, "err", err)
	}
}

// eventFilter reads the query. fresh says that the reader named no event to begin after.
func eventFilter(c echo.Context) (filter paas.EventFilter, fresh bool, err error) {
	filter = paas.EventFilter{Team: teamOf(c), App: c.QueryParam("app"), Platform: c.QueryParam("platform") == "true", Limit: batch}
	if filter.Kinds, err = kindsOf(c.QueryParam("kind")); err != nil {
		return filter, false, err
	}
	if filter.Team == anyTeam {
		filter.Team = ""
	} else if err := checkTeam(filter.Team); err != nil {
		return filter, false, err
	}
	// A reader that lost its stream says so in the header, and repeats the first query besides.
	location, after := "header.Last-Event-ID", c.Request().Header.Get("Last-Event-ID")
	if after == "" {
		location, after = "query.after", c.QueryParam("after")
	}
	if after == "" {
		return filter, true, nil
	}
	if filter.After, err = strconv.ParseInt(after, 10, 64); err != nil || filter.After < 0 {
		return filter, false, invalid(location, "The id of an event is a number.")
	}
	return filter, false, nil
}

// narrow leaves of the events that were asked for those the caller may see.
func narrow(s sight, f *paas.EventFilter) {
	if s.whole() {
		return
	}
	f.Platform, f.Apps = false, s.onlyApps()
	if f.Team == "" {
		f.Teams = s.teams(anyTeam)
	}
}

// kindsOf reads a list of kinds. The first word of one, such as deployment, stands for all that begin
// with it.
func kindsOf(text string) ([]paas.EventKind, error) {
	if text == "" {
		return nil, nil
	}
	var kinds []paas.EventKind
	for word := range strings.SplitSeq(text, ",") {
		found := false
		for _, kind := range paas.EventKinds() {
			noun, _, _ := strings.Cut(string(kind), ".")
			if word == noun || word == string(kind) {
				kinds, found = append(kinds, kind), true
			}
		}
		if !found {
			return nil, invalid("query.kind", fmt.Sprintf("There is no kind of event %q; there is, for example, deployment, or %s.", word, paas.EventDeploymentStep))
		}
	}
	return kinds, nil
}

// pageOfEvents bounds one answer of history.
const pageOfEvents = 1000

// history lists what happened, oldest first. Until is read before the events: whoever goes on after it
// misses nothing and hears nothing twice.
func (a *API) history(ctx context.Context, in *struct {
	Team     string    `query:"team" default:"default" doc:"The team; * for all."`
	App      string    `query:"app" doc:"One app only."`
	Kind     string    `query:"kind" doc:"Kinds of event, with commas between; the first word of one stands for all that begin with it."`
	Platform bool      `query:"platform" doc:"Also what happened to no app, such as trouble with a backend."`
	Since    time.Time `query:"since" doc:"Only what happened from then on."`
	After    int64     `query:"after" minimum:"0" doc:"Only events with a higher id."`
	Until    int64     `query:"until" minimum:"0" doc:"Only events with no higher id: that of the page before."`
	Last     int       `query:"last" minimum:"0" maximum:"1000" doc:"The last so many, instead of a page from the first on."`
},
) (*body[wire.Events], error) {
	filter := paas.EventFilter{
		Team: in.Team, App: in.App, Platform: in.Platform, Since: in.Since, After: in.After, UpTo: in.Until,
		Limit: cmp.Or(in.Last, pageOfEvents), Last: in.Last > 0,
	}
	if in.Team == anyTeam {
		filter.Team = ""
	} else if err := checkTeam(in.Team); err != nil {
		return nil, err
	}
	narrow(a.sightOf(ctx), &filter)
	var err error
	if filter.Kinds, err = kindsOf(in.Kind); err != nil {
		return nil, err
	}
	if filter.UpTo == 0 {
		if filter.UpTo, err = a.Store.LastEvent(ctx); err != nil {
			return nil, err
		}
	}
	page := wire.Events{Items: []paas.Event{}, Until: filter.UpTo}
	if filter.UpTo == 0 { // nothing has ever happened
		return &body[wire.Events]{page}, nil
	}
	list, err := a.Store.Events(ctx, filter)
	if err != nil {
		return nil, err
	}
	page.Items = items(list)
	if len(list) == pageOfEvents && !filter.Last {
		page.Next = list[len(list)-1].ID
	}
	return &body[wire.Events]{page}, nil
}

func describeEvents(schemas huma.Registry, op *huma.Operation) {
	for _, t := range []reflect.Type{reflect.TypeFor[paas.Event](), reflect.TypeFor[wire.Changed](), reflect.TypeFor[wire.Beat](), reflect.TypeFor[wire.Rates]()} {
		schemas.Schema(t, true, "")
	}
	op.Description = "Server-sent events; the data of each is an Event. Without Last-Event-ID and after it begins with what happens from now on."
	op.Parameters = []*huma.Param{
		queryParam("team", huma.TypeString, "The team; default unless said, * for all."),
		queryParam("app", huma.TypeString, "One app only."),
		queryParam("kind", huma.TypeString, "Kinds of event, with commas between; the first word of one stands for all that begin with it."),
		queryParam("platform", huma.TypeBoolean, "Also what happens to no app, such as trouble with a backend."),
		queryParam("changes", huma.TypeBoolean, "Also, beside events: changed (a Changed: apps that may read differently now, at most once a second), beat (a Beat, every five seconds) and rates (Rates: those that moved). They have no id."),
		queryParam("after", huma.TypeInteger, "Only events with a higher id."),
		{Name: "Last-Event-ID", In: "header", Description: "As after; counts more.", Schema: &huma.Schema{Type: huma.TypeInteger}},
	}
	op.Responses["200"] = &huma.Response{Description: "A stream of Event", Content: text("text/event-stream")}
}
