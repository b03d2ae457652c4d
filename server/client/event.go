package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// EventQuery narrows a stream of events.
type EventQuery struct {
	Team  string // "" for the client's, * for all
	App   string // "" for all
	After int64  // ids above this one; -1 for what happens from now on
}

// Events follows what happens, and comes back after the last event it gave when the connection
// breaks. It ends with an error, or when the caller stops.
func (c *Client) Events(ctx context.Context, q EventQuery) iter.Seq2[paas.Event, error] {
	query := url.Values{}
	if q.Team != "" {
		query.Set("team", q.Team)
	}
	if q.App != "" {
		query.Set("app", q.App)
	}
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
