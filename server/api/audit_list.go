package api

import (
	"cmp"
	"context"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// pageOfAudit bounds one answer.
const pageOfAudit = 1000

// AuditScope narrows the calls about the audit.
type AuditScope struct {
	Team   string    `query:"team" default:"default" doc:"The team; * for all that the caller may see, and for admins what is of no team."`
	App    string    `query:"app" doc:"One app only."`
	By     string    `query:"by" doc:"One user only, or one operator's token by its name."`
	Action string    `query:"action" doc:"One operation only, such as createRelease."`
	Denied bool      `query:"denied" doc:"Only what was denied: for want of credentials, rights, or patience."`
	Since  time.Time `query:"since" doc:"Only what was done from then on."`
	Until  time.Time `query:"until" doc:"Only what was done before then."`
}

func (in AuditScope) filter(s sight) paas.AuditFilter {
	f := paas.AuditFilter{Teams: s.teams(in.Team), App: in.App, By: in.By, Action: in.Action, Since: in.Since, Until: in.Until}
	if in.Denied {
		f.Outcomes = []paas.AuditOutcome{paas.AuditDenied}
	}
	return f
}

// audit lists lines, oldest first; After of the next page is Next of this one.
func (a *API) audit(ctx context.Context, in *struct {
	AuditScope
	After int64 `query:"after" minimum:"0" doc:"Only lines with a higher id."`
	Last  int   `query:"last" minimum:"0" maximum:"1000" doc:"The last so many, instead of a page from the first on."`
},
) (*body[wire.Audit], error) {
	filter := in.filter(a.sightOf(ctx))
	filter.After, filter.Limit, filter.Last = in.After, cmp.Or(in.Last, pageOfAudit), in.Last > 0
	list, err := a.Audit.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	page := wire.Audit{Items: items(list)}
	if len(list) == pageOfAudit && !filter.Last {
		page.Next = list[len(list)-1].ID
	}
	return &body[wire.Audit]{page}, nil
}

// followAudit streams lines as followEvents does events.
func (a *API) followAudit(c echo.Context) error {
	ctx := c.Request().Context()
	filter, err := a.auditFilter(c)
	if err != nil {
		return err
	}
	woken := a.Hub.Subscribe(ctx) // before the first read: nothing may fall between
	s := a.startStream(c)
	s.beat()
	heartbeat := time.NewTicker(a.Heartbeat)
	defer heartbeat.Stop()
	for {
		if err := a.sendAudit(ctx, s, &filter); err != nil {
			a.streamEnded(ctx, err)
			return nil // the status was sent long ago
		}
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
			if ctx.Err() != nil {
				return nil
			}
		case <-heartbeat.C:
			s.beat()
		}
	}
}

func (a *API) sendAudit(ctx context.Context, s *stream, filter *paas.AuditFilter) error {
	for {
		list, err := a.Audit.List(ctx, *filter)
		if err != nil {
			return err
		}
		for _, line := range list {
			if err := s.add(strconv.FormatInt(line.ID, 10), "audited", line); err != nil {
				return err
			}
			filter.After = line.ID
		}
		if s.buf.Len() > 0 {
			if err := s.flush(); err != nil {
				return err
			}
		}
		if len(list) < filter.Limit {
			return nil
		}
	}
}

// auditFilter reads the query. A reader that names no line to begin after begins with what is told from now on.
func (a *API) auditFilter(c echo.Context) (paas.AuditFilter, error) {
	ctx := c.Request().Context()
	in := AuditScope{
		Team: teamOf(c), App: c.QueryParam("app"), By: c.QueryParam("by"), Action: c.QueryParam("action"), Denied: c.QueryParam("denied") == "true",
	}
	filter := in.filter(a.sightOf(ctx))
	filter.Limit = batch
	location, after := "header.Last-Event-ID", c.Request().Header.Get("Last-Event-ID")
	if after == "" {
		location, after = "query.after", c.QueryParam("after")
	}
	if after == "" {
		last, err := a.Audit.List(ctx, paas.AuditFilter{Limit: 1, Last: true})
		if err == nil && len(last) > 0 {
			filter.After = last[0].ID
		}
		return filter, err
	}
	var err error
	if filter.After, err = strconv.ParseInt(after, 10, 64); err != nil || filter.After < 0 {
		return filter, invalid(location, "The id of a line is a number.")
	}
	return filter, nil
}

func describeAudit(schemas huma.Registry, op *huma.Operation) {
	schemas.Schema(reflect.TypeFor[paas.Audited](), true, "")
	op.Description = "Server-sent events; the data of each is an Audited. Without Last-Event-ID and after it begins with what is done from now on."
	op.Parameters = []*huma.Param{
		queryParam("team", huma.TypeString, "The team; default unless said, * for all that the caller may see."),
		queryParam("app", huma.TypeString, "One app only."),
		queryParam("by", huma.TypeString, "One user only, or one operator's token by its name."),
		queryParam("action", huma.TypeString, "One operation only, such as createRelease."),
		queryParam("denied", huma.TypeBoolean, "Only what was denied."),
		queryParam("after", huma.TypeInteger, "Only lines with a higher id."),
		{Name: "Last-Event-ID", In: "header", Description: "As after; counts more.", Schema: &huma.Schema{Type: huma.TypeInteger}},
	}
	op.Responses["200"] = &huma.Response{Description: "A stream of Audited", Content: text("text/event-stream")}
}
