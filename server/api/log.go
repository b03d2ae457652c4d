package api

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const (
	defaultLines = 100
	maxLines     = 10000
	aroundBy     = time.Minute
)

// followLogs streams lines as server-sent events. An event holds some lines that belong together, a line
// of data each, and its id stands for what comes after all of them: so a reader that lost its stream
// misses and repeats nothing, on any server.
func (a *API) followLogs(c echo.Context) error {
	query, err := logQuery(c)
	if err != nil {
		return err
	}
	// Whatever can be said at once (no such app) is said with a status, before the stream begins.
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	if _, err := a.Store.Snapshot(ctx, query.Ref); err != nil {
		return err
	}

	parts, taken := make(chan paas.LogPart), make(chan struct{})
	ended := make(chan error, 1)
	go func() { // ends with ctx, and is awaited below
		defer close(parts)
		ended <- a.Logs.Logs(ctx, query, func(part paas.LogPart) error {
			select {
			case parts <- part:
				<-taken // the lines are used again
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	s := a.startStream(c)
	terse := c.QueryParam("terse") == "true"
	err = a.sendLines(s, parts, taken, terse)
	cancel()
	for range parts { // until the reader of the logs has ended
		taken <- struct{}{}
	}
	if logsErr := <-ended; err == nil && logsErr != nil && c.Request().Context().Err() == nil {
		// The status was sent long ago: the last event says what went wrong.
		err = s.add("", "problem", a.problemOf(c.Request().Context(), logsErr))
	} else if err == nil && logsErr == nil {
		err = s.add("", "end", struct{}{})
	}
	if err == nil {
		err = s.flush()
	}
	if err != nil {
		a.streamEnded(c.Request().Context(), err)
	}
	return nil
}

// sendLines sends until parts is closed or the reader is gone, and says of each part when it has it in its
// buffer.
func (a *API) sendLines(s *stream, parts <-chan paas.LogPart, taken chan<- struct{}, terse bool) error {
	heartbeat := time.NewTicker(a.Heartbeat)
	defer heartbeat.Stop()
	s.beat() // sends the headers at once
	for {
		if err := s.flush(); err != nil {
			return err
		}
		select {
		case part, more := <-parts:
			if !more {
				return nil
			}
			s.addLines(part, terse)
			taken <- struct{}{}
		case <-heartbeat.C:
			s.beat()
		}
	}
}

// addLines puts a part into the buffer, as one event.
func (s *stream) addLines(part paas.LogPart, terse bool) {
	b := s.buf.AvailableBuffer()
	b = append(b, "id: "...)
	b = append(b, part.After...)
	b = append(b, '\n')
	for i := range part.Lines {
		b = append(b, "data: "...)
		if terse && i > 0 {
			b = wire.AppendTerse(b, &part.Lines[i], &part.Lines[i-1])
		} else {
			b = wire.AppendLogLine(b, &part.Lines[i])
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	s.buf.Write(b)
}

func logQuery(c echo.Context) (paas.LogQuery, error) {
	ref, err := refOf(c.QueryParam("team"), c.Param("app"))
	if err != nil {
		return paas.LogQuery{}, err
	}
	query := paas.LogQuery{
		Ref: ref, Process: c.QueryParam("process"), Instance: c.QueryParam("instance"), Match: c.QueryParam("grep"), Lines: defaultLines,
	}
	if query.Since, err = momentOf("since", c.QueryParam("since")); err != nil {
		return query, err
	}
	if query.Until, err = momentOf("until", c.QueryParam("until")); err != nil {
		return query, err
	}
	around, err := momentOf("around", c.QueryParam("around"))
	if err != nil {
		return query, err
	}
	if !around.IsZero() {
		if !query.Since.IsZero() || !query.Until.IsZero() {
			return query, invalid("query.around", "Around is a minute before and a minute after: leave it out, or since and until.")
		}
		query.Since, query.Until = around.Add(-aroundBy), around.Add(aroundBy)
	}
	if !query.Since.IsZero() {
		query.Lines = maxLines
	}
	if text := c.QueryParam("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxLines {
			return paas.LogQuery{}, invalid("query.lines", "Lines is a number from 0 to 10000.")
		}
		query.Lines = n
	}
	if text := c.QueryParam("release"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return paas.LogQuery{}, invalid("query.release", "Release is the number of a release.")
		}
		query.Release = n
	}
	if text := c.QueryParam("source"); text != "" {
		for name := range strings.SplitSeq(text, ",") {
			if !slices.Contains(paas.LogSources, paas.LogSource(name)) {
				return paas.LogQuery{}, invalid("query.source", "Source is app, build or platform, or several of them with commas.")
			}
			query.Sources = append(query.Sources, paas.LogSource(name))
		}
	}
	// A reader that lost its stream says so in the header, and repeats the first query besides.
	if query.After = c.Request().Header.Get("Last-Event-ID"); query.After == "" {
		query.After = c.QueryParam("after")
	}
	if text := c.QueryParam("follow"); text != "" {
		query.Follow, err = strconv.ParseBool(text)
		if err != nil {
			return paas.LogQuery{}, invalid("query.follow", "Follow is true or false.")
		}
	}
	if query.Follow && !query.Until.IsZero() {
		return query, invalid("query.follow", "What is written from now on has no end: leave follow out, or until and around.")
	}
	return query, nil
}

// momentOf reads a moment, or how long ago it was.
func momentOf(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, invalid("query."+name, strings.ToUpper(name[:1])+name[1:]+" is a time as 2006-01-02T15:04:05Z, or how long ago, as 10m.")
	}
	return at, nil
}

func describeLogs(schemas huma.Registry, op *huma.Operation) {
	schemas.Schema(reflect.TypeFor[paas.LogLine](), true, "")
	op.Description = "Server-sent events. The data of each is some lines, each a LogLine on a line of data of its own, in the order of their times; " +
		"the id stands for what comes after them. The last event is named end, or problem with a Problem as its data."
	op.Parameters = []*huma.Param{
		pathParam("app", "The app."), teamParam,
		queryParam("process", huma.TypeString, "One process only, with its sidecars; or one task or cron."),
		queryParam("instance", huma.TypeString, "One instance only: its number, its id, or the beginning of that."),
		queryParam("release", huma.TypeInteger, "One release only."),
		queryParam("source", huma.TypeString, "Some sources only, with commas: app, build, platform."),
		queryParam("since", huma.TypeString, "Only lines from then on: a time in RFC 3339, or how long ago, as 10m."),
		queryParam("until", huma.TypeString, "Only lines until then, as since has it; not with follow. With lines: the last so many before it."),
		queryParam("around", huma.TypeString, "Only lines from a minute before that moment to a minute after it."),
		queryParam("grep", huma.TypeString, "Only lines that this regular expression (RE2) matches."),
		queryParam("lines", huma.TypeInteger, "How many of the last lines to begin with, all together; 100 unless said, with since 10000."),
		queryParam("follow", huma.TypeBoolean, "Go on with what is written from now on."),
		queryParam("terse", huma.TypeBoolean, "Leave out of a line what is as in the line before it, in the same event. Where that is all but the text, the line of data may be a = and the text as it is, without JSON."),
		queryParam("after", huma.TypeString, "The id of an event: what comes after it. Lines and since mean nothing then."),
		{Name: "Last-Event-ID", In: "header", Description: "As after; counts more.", Schema: &huma.Schema{Type: huma.TypeString}},
	}
	op.Responses["200"] = &huma.Response{Description: "A stream of LogLine", Content: text("text/event-stream")}
}
