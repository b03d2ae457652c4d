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

// LogQuery says which output of an app is wanted.
type LogQuery struct {
	Process  string           // "" for all
	Instance string           // an instance's number, id, or the beginning of one; "" for all
	Release  int              // 0 for all
	Sources  []paas.LogSource // all when empty
	Since    time.Time        // only lines from then on; zero for all
	Until    time.Time        // only lines until then; zero for all. Not with Follow
	Match    string           // only lines that this regular expression matches; "" for all
	Lines    int              // how many of the last lines to begin with, all together
	Follow   bool             // go on with what is written from now on
}

func (q LogQuery) values() url.Values {
	v := url.Values{"terse": {"true"}, "lines": {strconv.Itoa(q.Lines)}, "follow": {strconv.FormatBool(q.Follow)}}
	for name, value := range map[string]string{"process": q.Process, "instance": q.Instance, "grep": q.Match} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Release != 0 {
		v.Set("release", strconv.Itoa(q.Release))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.UTC().Format(time.RFC3339Nano))
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	var sources []string
	for _, s := range q.Sources {
		sources = append(sources, string(s))
	}
	if len(sources) > 0 {
		v.Set("source", strings.Join(sources, ","))
	}
	return v
}

// Logs reads the lines of an app, one by one, as LogParts does.
func (c *Client) Logs(ctx context.Context, app string, q LogQuery) iter.Seq2[paas.LogLine, error] {
	return func(yield func(paas.LogLine, error) bool) {
		for part, err := range c.LogParts(ctx, app, q) {
			if err != nil {
				yield(paas.LogLine{}, err)
				return
			}
			for _, line := range part.Lines {
				if !yield(line, nil) {
					return
				}
			}
		}
	}
}

// LogParts reads the lines of an app as they arrive together, in the order of their times. When the
// connection breaks it comes back after the last part it gave: no line is missed or given twice. The
// slice of a part's lines is the caller's until the next part. It ends without an error when there is no more, or when the caller stops.
func (c *Client) LogParts(ctx context.Context, app string, q LogQuery) iter.Seq2[paas.LogPart, error] {
	return func(yield func(paas.LogPart, error) bool) {
		query, last, stopped := q.values(), "", false
		var decoder wire.LogDecoder
		var lines []paas.LogLine
		err := c.persist(ctx, always, func(alive func()) error {
			return c.listen(ctx, appPath(app, "/logs"), query, last, func(m message) (bool, error) {
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
					last = m.id
					return false, nil
				}
				part := paas.LogPart{After: m.id, Lines: lines[:0]}
				for data := range strings.SplitSeq(string(m.data), "\n") { // texts are parts of that one string
					line, err := decoder.Decode(data)
					if err != nil {
						return true, fmt.Errorf("decode line: %w", err)
					}
					part.Lines = append(part.Lines, line)
				}
				last, lines = m.id, part.Lines
				stopped = !yield(part, nil)
				return stopped, nil
			})
		})
		if !stopped {
			yield(paas.LogPart{}, cmp.Or(ctx.Err(), err))
		}
	}
}
