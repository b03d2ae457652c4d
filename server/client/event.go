package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// EventQuery narrows a stream of events.
type EventQuery struct {
	Team  string // "" for the client's, * for all
	App   string // "" for all
	After int64  // ids above this one; -1 for what happens from now on

	Kinds    []string  // the first word of a kind stands for all that begin with it; none for all
	Platform bool      // also what happens to no app
	Since    time.Time // of History only
	Last     int       // of History only: the last so many; 0 for all
}

func (q EventQuery) values() url.Values {
	query := url.Values{}
	if q.Team != "" {
		query.Set("team", q.Team)
	}
	if q.App != "" {
		query.Set("app", q.App)
	}
	if len(q.Kinds) > 0 {
		query.Set("kind", strings.Join(q.Kinds, ","))
	}
	if q.Platform {
		query.Set("platform", "true")
	}
	return query
}

// History lists what happened, oldest first, and gives the id after which Events goes on without a gap.
func (c *Client) History(ctx context.Context, q EventQuery) (list []paas.Event, until int64, err error) {
	query := q.values()
	if !q.Since.IsZero() {
		query.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Last > 0 {
		query.Set("last", strconv.Itoa(q.Last))
	}
	for {
		var page wire.Events
		if err := c.call(ctx, always, "GET", "/v1/history", query, nil, &page); err != nil {
			return list, until, err
		}
		list, until = append(list, page.Items...), page.Until
		if page.Next == 0 {
			return list, until, nil
		}
		query.Set("after", strconv.FormatInt(page.Next, 10))
		query.Set("until", strconv.FormatInt(page.Until, 10))
	}
}

// Events follows what happens, and comes back after the last event it gave when the connection
// breaks. It ends with an error, or when the caller stops.
func (c *Client) Events(ctx context.Context, q EventQuery) iter.Seq2[paas.Event, error] {
	query := q.values()
	last := ""
	if q.After >= 0 {
		last = strconv.FormatInt(q.After, 10)
	}
	return func(yield func(paas.Event, error) bool) {
		stopped := false
		err := c.persist(ctx, always, func(alive func()) error {
			return c.listen(ctx, "/v1/events", query, last, func(m message) (bool, error) {
				alive()
				last = m.id
				if m.data == nil {
					return false, nil
				}
				var e paas.Event
				if err := json.Unmarshal(m.data, &e); err != nil {
					return true, fmt.Errorf("decode event: %w", err)
				}
				stopped = !yield(e, nil)
				return stopped, nil
			})
		})
		if !stopped {
			yield(paas.Event{}, cmp.Or(ctx.Err(), err))
		}
	}
}

// LastEvent gives the id after which what happens from now on begins.
func (c *Client) LastEvent(ctx context.Context) (id int64, err error) {
	err = c.retry(ctx, always, func() error {
		return c.listen(ctx, "/v1/events", url.Values{}, "", func(m message) (bool, error) {
			var err error
			id, err = strconv.ParseInt(m.id, 10, 64)
			return true, err
		})
	})
	return id, err
}
