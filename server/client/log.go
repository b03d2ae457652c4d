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
	"github.com/crumpet-paas/crumpet/server/wire"
)

// LogQuery says which output of an app is wanted.
type LogQuery struct {
	Process  string // "" for all
	Instance string // an instance's id, or the beginning of one; "" for all
	Lines    int    // of each instance to begin with
	Follow   bool   // go on with what is written from now on
}

// Logs reads what the instances of an app write. It ends without an error when there is no more, or
// when the caller stops. Lines have no ids, so those written while a connection was lost are not
// made up for.
func (c *Client) Logs(ctx context.Context, app string, q LogQuery) iter.Seq2[paas.LogLine, error] {
	query := url.Values{"lines": {strconv.Itoa(q.Lines)}, "follow": {strconv.FormatBool(q.Follow)}}
	if q.Process != "" {
		query.Set("process", q.Process)
	}
	if q.Instance != "" {
		query.Set("instance", q.Instance)
	}
	return func(yield func(paas.LogLine, error) bool) {
		stopped := false
		err := c.persist(ctx, always, func(alive func()) error {
			return c.listen(ctx, appPath(app, "/logs"), query, "", func(m message) (bool, error) {
				alive()
				switch {
				case m.kind == "end":
					stopped = true
					return true, nil
				case m.kind == "problem":
					var p wire.Problem
					if err := json.Unmarshal(m.data, &p); err != nil {
						return true, fmt.Errorf("decode problem: %w", err)
					}
					return true, problemError(p)
				case m.data == nil:
					return false, nil
				}
				query.Set("lines", "0") // what was shown is not shown again after a break
				var line paas.LogLine
				if err := json.Unmarshal(m.data, &line); err != nil {
					return true, fmt.Errorf("decode line: %w", err)
				}
				stopped = !yield(line, nil)
				return stopped, nil
			})
		})
		if !stopped {
			yield(paas.LogLine{}, cmp.Or(ctx.Err(), err))
		}
	}
}
