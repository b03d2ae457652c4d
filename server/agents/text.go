package agents

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text writes configuration in the HCL that all agents read (version 1: a quoted string is Go's), with the equal
// signs of neighbours in one column.
type text struct {
	lines []line
	depth int
}

type line struct {
	depth      int
	key, value string // without a value: key is the whole line
}

// newText begins with whose file it is.
func newText(about string) *text {
	t := &text{}
	t.note("Written by crumpet cluster up: %s", about)
	return t
}

func (t *text) note(format string, args ...any) {
	for said := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		t.lines = append(t.lines, line{depth: t.depth, key: strings.TrimSpace("# " + said)})
	}
}

func (t *text) set(key string, value any) {
	t.lines = append(t.lines, line{depth: t.depth, key: key, value: literal(value)})
}

func (t *text) block(head string, body func()) {
	t.lines = append(t.lines, line{depth: t.depth, key: head + " {"})
	t.depth++
	body()
	t.depth--
	t.lines = append(t.lines, line{depth: t.depth, key: "}"})
}

// table is a block of free keys, in their order.
func (t *text) table(head string, values map[string]string) {
	t.block(head, func() {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			t.set(strconv.Quote(key), values[key])
		}
	})
}

func (t *text) String() string {
	var out strings.Builder
	for i := 0; i < len(t.lines); {
		group, width := i, 0
		for ; i < len(t.lines) && t.lines[i].value != "" && t.lines[i].depth == t.lines[group].depth; i++ {
			width = max(width, len(t.lines[i].key))
		}
		for _, l := range t.lines[group:i] {
			fmt.Fprintf(&out, "%s%-*s = %s\n", strings.Repeat("  ", l.depth), width, l.key, l.value)
		}
		if i == group {
			out.WriteString(strings.Repeat("  ", t.lines[i].depth) + t.lines[i].key + "\n")
			i++
		}
	}
	return out.String()
}

func literal(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case time.Duration:
		return strconv.Quote(v.String())
	case []string:
		quoted := make([]string, len(v))
		for i, one := range v {
			quoted[i] = strconv.Quote(one)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(value)
}
