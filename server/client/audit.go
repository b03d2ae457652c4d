package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// AuditQuery narrows what is told of who did what.
type AuditQuery struct {
	Team         string // "" for the client's, * for all that the caller may see
	App          string
	By           string
	Action       string
	Denied       bool
	Since, Until time.Time // of Audit only
	Last         int       // of Audit only: the last so many; 0 for all
	After        int64     // of FollowAudit only: ids above this one; -1 for what is done from now on
}

func (q AuditQuery) values() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"team": q.Team, "app": q.App, "by": q.By, "action": q.Action} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Denied {
		query.Set("denied", "true")
	}
	return query
}

// Audit gives who did what, oldest first, page by page. It ends with an error, or when there is no more.
func (c *Client) Audit(ctx context.Context, q AuditQuery) iter.Seq2[paas.Audited, error] {
	query := q.values()
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if q.Last > 0 {
		query.Set("last", strconv.Itoa(q.Last))
	}
	return func(yield func(paas.Audited, error) bool) {
		for {
			var page wire.Audit
			if err := c.call(ctx, always, "GET", "/v1/audit", query, nil, &page); err != nil {
				yield(paas.Audited{}, err)
				return
			}
			for _, line := range page.Items {
				if !yield(line, nil) {
					return
				}
			}
			if page.Next == 0 {
				return
			}
			query.Set("after", strconv.FormatInt(page.Next, 10))
		}
	}
}

// FollowAudit tells who does what, and comes back after the last line it gave when the connection breaks.
func (c *Client) FollowAudit(ctx context.Context, q AuditQuery) iter.Seq2[paas.Audited, error] {
	query, last := q.values(), ""
	if q.After >= 0 {
		last = strconv.FormatInt(q.After, 10)
	}
	return func(yield func(paas.Audited, error) bool) {
		stopped := false
		err := c.persist(ctx, always, func(alive func()) error {
			return c.listen(ctx, "/v1/audit/stream", query, last, func(m message) (bool, error) {
				alive()
				if m.data == nil {
					return false, nil
				}
				last = m.id
				var line paas.Audited
				if err := json.Unmarshal(m.data, &line); err != nil {
					return true, fmt.Errorf("decode audit: %w", err)
				}
				stopped = !yield(line, nil)
				return stopped, nil
			})
		})
		if !stopped {
			yield(paas.Audited{}, cmp.Or(ctx.Err(), err))
		}
	}
}
