package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// token is where a reader of an app's lines is in each of their streams. As text it is
//
//	1~EVENT~MILLISECONDS~INSTANCE;TASK=OUT,ERR;TASK=...~INSTANCE!~...
//
// the id of the last event; the moment before which instances that have ended are no part of the story;
// the first twelve characters of each instance without its dashes, with the places in its tasks' stdout
// and stderr (FILE.OFFSET, or - where nothing was read), or ! when it was read to its end.
type token struct {
	event  int64
	from   time.Time
	places map[source]paas.LogPlace
	done   []over // read to their end, oldest first
}

// source is one stream of one task. In a token the instance is a key.
type source struct{ instance, task, stream string }

// over is an instance that was read to its end.
type over struct {
	instance string    // key
	ended    time.Time // zero if that is not known
}

const tokenVersion = "1"

// mostDone is how many instances that were read to their end are remembered: those that ended before
// them are known by token.from.
const mostDone = 100

// key is the form of an instance's id in a token.
func key(instance string) string {
	id := strings.ReplaceAll(instance, "-", "")
	return id[:min(12, len(id))]
}

func (t token) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s~%d~%d", tokenVersion, t.event, t.from.UnixMilli())
	keys := make([]source, 0, len(t.places))
	for s := range t.places {
		keys = append(keys, s)
	}
	slices.SortFunc(keys, func(a, b source) int {
		return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(a.task, b.task), -cmp.Compare(a.stream, b.stream)) // stdout first
	})
	last := source{}
	for _, s := range keys {
		if s.instance != last.instance {
			b.WriteString("~" + s.instance)
		}
		if s.instance != last.instance || s.task != last.task {
			b.WriteString(";" + s.task + "=")
			if s.stream == "stderr" {
				b.WriteString("-")
			}
		}
		if s.stream == "stderr" {
			b.WriteString(",")
		}
		b.WriteString(t.places[s].String())
		last = s
	}
	for _, o := range t.done {
		b.WriteString("~" + o.instance + "!")
	}
	return b.String()
}

// parseToken reads what String wrote. Its sources have a key for an instance.
func parseToken(text string) (t token, err error) {
	bad := paas.Errorf(paas.Invalid, "%q is no place in the logs of an app. Begin again without it.", shorten(text))
	parts := strings.Split(text, "~")
	if len(parts) < 3 || parts[0] != tokenVersion {
		return t, bad
	}
	event, err1 := strconv.ParseInt(parts[1], 10, 64)
	from, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || event < 0 {
		return t, bad
	}
	t = token{event: event, from: time.UnixMilli(from), places: map[source]paas.LogPlace{}}
	for _, part := range parts[3:] {
		if id, ok := strings.CutSuffix(part, "!"); ok {
			t.done = append(t.done, over{instance: id})
			continue
		}
		id, tasks, _ := strings.Cut(part, ";")
		for task := range strings.SplitSeq(tasks, ";") {
			name, places, ok := strings.Cut(task, "=")
			if !ok || name == "" || id == "" {
				return t, bad
			}
			out, failed, _ := strings.Cut(places, ",")
			if !t.put(source{id, name, "stdout"}, out) || !t.put(source{id, name, "stderr"}, failed) {
				return t, bad
			}
		}
	}
	return t, nil
}

func (t *token) put(s source, text string) bool {
	if text == "" || text == "-" {
		return true
	}
	file, offset, _ := strings.Cut(text, ".")
	n, err1 := strconv.Atoi(file)
	at, err2 := strconv.ParseInt(offset, 10, 64)
	if err1 != nil || err2 != nil || n < 0 || at < 0 {
		return false
	}
	t.places[s] = paas.LogPlace{File: n, Offset: at}
	return true
}

// finish remembers that an instance was read to its end, and when it ended.
func (t *token) finish(instance string, ended time.Time) {
	for s := range t.places {
		if s.instance == instance {
			delete(t.places, s)
		}
	}
	t.done = append(t.done, over{instance, ended})
	for ; len(t.done) > mostDone; t.done = t.done[1:] {
		if t.done[0].ended.After(t.from) {
			t.from = t.done[0].ended
		}
	}
}

// knows says that an instance was read to its end, or had ended before the story began.
func (t *token) knows(i paas.Instance) bool {
	id := key(i.ID)
	for s := range t.places {
		if s.instance == id {
			return false
		}
	}
	return slices.ContainsFunc(t.done, func(o over) bool { return o.instance == id }) || i.State.Ended() && !i.Since.After(t.from)
}

func shorten(text string) string {
	if len(text) > 40 {
		return text[:40] + "..."
	}
	return text
}
