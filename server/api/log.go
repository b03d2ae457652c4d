package api

import (
	"context"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	defaultLines = 100
	maxLines     = 10000
	gather       = 50 * time.Millisecond // how long lines wait for others, so that a burst is few writes
)

// followLogs streams lines as server-sent events. They have no ids: Nomad's files can't be resumed
// by line, so a reader that lost its stream begins again with the last lines.
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

	lines := make(chan paas.LogLine, 256)
	ended := make(chan error, 1)
	go func() { // ends with ctx, and is awaited below
		defer close(lines)
		ended <- a.Logs.Logs(ctx, query, func(line paas.LogLine) error {
			select {
			case lines <- line:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	s := a.startStream(c)
	err = a.sendLines(s, lines)
	cancel()
	for range lines { // until the reader of the logs has ended
	}
	if logsErr := <-ended; err == nil && logsErr != nil && c.Request().Context().Err() == nil {
		// The status was sent long ago: the last event says what went wrong.
		err = s.add("", "problem", a.problemOf(c.Request().Context(), logsErr))
	} else if err == nil {
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

// sendLines sends until lines is closed or the reader is gone.
func (a *API) sendLines(s *stream, lines <-chan paas.LogLine) error {
	heartbeat := time.NewTicker(a.Heartbeat)
	defer heartbeat.Stop()
	due := time.NewTimer(0) // sends the headers at once
	defer due.Stop()
	for {
		select {
		case line, more := <-lines:
			if !more {
				return nil
			}
			if s.buf.Len() == 0 {
				due.Reset(gather)
			}
			if err := s.add("", "", line); err != nil {
				return err
			}
			if s.buf.Len() < 1<<16 {
				continue
			}
		case <-due.C:
		case <-heartbeat.C:
			s.beat()
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

func logQuery(c echo.Context) (paas.LogQuery, error) {
	ref, err := refOf(c.QueryParam("team"), c.Param("app"))
	if err != nil {
		return paas.LogQuery{}, err
	}
	query := paas.LogQuery{Ref: ref, Process: c.QueryParam("process"), Instance: c.QueryParam("instance"), Lines: defaultLines}
	if text := c.QueryParam("lines"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxLines {
			return paas.LogQuery{}, invalid("query.lines", "Lines is a number from 0 to 10000.")
		}
		query.Lines = n
	}
	if text := c.QueryParam("follow"); text != "" {
		query.Follow, err = strconv.ParseBool(text)
		if err != nil {
			return paas.LogQuery{}, invalid("query.follow", "Follow is true or false.")
		}
	}
	return query, nil
}

func describeLogs(schemas huma.Registry, op *huma.Operation) {
	schemas.Schema(reflect.TypeFor[paas.LogLine](), true, "")
	op.Description = "Server-sent events; the data of each is a LogLine. The last is named end, or problem with a Problem as its data."
	op.Parameters = []*huma.Param{
		pathParam("app", "The app."), teamParam,
		queryParam("process", huma.TypeString, "One process only."),
		queryParam("instance", huma.TypeString, "One instance only: its id, or the beginning of it."),
		queryParam("lines", huma.TypeInteger, "Lines of each instance to begin with; 100 unless said."),
		queryParam("follow", huma.TypeBoolean, "Go on with what is written from now on."),
	}
	op.Responses["200"] = &huma.Response{Description: "A stream of LogLine", Content: text("text/event-stream")}
}
