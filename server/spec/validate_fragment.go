package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// validateFragment demands that a fragment is what Nomad's API would read at its level: it must not
// be Nomad that finds the mistake, in the middle of a deployment.
func validateFragment(at place, l level, f paas.Fragment, r report) {
	at = at.attr("nomad")
	if len(f) == 0 || r.known[at.key()] {
		return
	}
	at = at.attr(l.name)
	object, err := parseFragment(f)
	if err != nil {
		r.say(at, "Map expected", "The nomad fragment at %s is not a JSON object.", at.location())
		return
	}
	w := walk{level: l, report: r}
	w.object(at, l.of, object)
	if w.faulty {
		return
	}
	if err := json.Unmarshal(f, reflect.New(l.of).Interface()); err != nil {
		r.say(at, "Bad fragment", "Nomad can't read the fragment at %s: %s.", at.location(), err)
	}
}

// tidy gives a fragment its canonical form: a duration such as "30s" becomes the number of
// nanoseconds that Nomad's API has.
func (l level) tidy(v any) any {
	w := walk{level: l, report: newReport(func(place, flaw) {})}
	return w.value(place{}, l.of, v)
}

// walk goes through a fragment and the type it must have side by side.
type walk struct {
	level  level
	report report
	depth  int
	faulty bool
}

func (w *walk) say(at place, summary, format string, args ...any) {
	w.faulty = true
	w.report.say(at, summary, format, args...)
}

var duration = reflect.TypeFor[time.Duration]()

// value checks one value, and gives it in its canonical form.
func (w *walk) value(at place, t reflect.Type, v any) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v == nil {
		return nil // takes away what Crumpet made
	}
	if t == duration {
		return w.duration(at, v)
	}
	kind := t.Kind()
	if kind == reflect.Struct || kind == reflect.Map {
		object, ok := v.(map[string]any)
		if !ok {
			w.mistyped(at, "a map", v)
			return v
		}
		return w.object(at, t, object)
	}
	if kind == reflect.Slice {
		return w.list(at, t, v)
	}
	w.scalar(at, t, v)
	return v
}

func (w *walk) scalar(at place, t reflect.Type, v any) {
	_, isText := v.(string)
	_, isTruth := v.(bool)
	kind := t.Kind()
	if kind == reflect.Interface || kind == reflect.String && isText || kind == reflect.Bool && isTruth {
		return
	}
	if wanted := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false"}[kind]; wanted != "" {
		w.mistyped(at, wanted, v)
		return
	}
	w.number(at, t, v)
}

func (w *walk) object(at place, t reflect.Type, object map[string]any) map[string]any {
	w.depth++
	defer func() { w.depth-- }()
	made := make(map[string]any, len(object))
	var fields map[string]reflect.Type
	if t.Kind() == reflect.Struct {
		fields = fieldsOf(t)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if w.report.full() {
			return object
		}
		here := at.attr(name)
		of, known := fields[name]
		instead := w.level.forbidden[name]
		made[name] = object[name]
		switch {
		case fields == nil: // a map
			of = t.Elem()
		case w.depth == 1 && instead != "":
			w.say(here.label(), "Field not allowed", "The field %s of a %s is Crumpet's own. %s", name, w.level.name, instead)
			continue
		case !known:
			names := slices.Sorted(maps.Keys(fields))
			w.say(here.label(), "Unknown field", "Nomad's API has no field %q at %s.%s Names are written as in its JSON; there are %s.", name, at.location(), suggestField(name, names), list(names))
			continue
		}
		made[name] = w.value(here, of, object[name])
	}
	return made
}

// suggestField knows the words of Nomad's jobspec too: kill_timeout is KillTimeout.
func suggestField(name string, names []string) string {
	bare := strings.ReplaceAll(name, "_", "")
	for _, n := range names {
		if strings.EqualFold(n, bare) || strings.EqualFold(n, bare+"s") || strings.EqualFold(n, bare+"MB") {
			return fmt.Sprintf(" Did you mean %q?", n)
		}
	}
	return suggest(name, names)
}

func (w *walk) list(at place, t reflect.Type, v any) any {
	items, ok := v.([]any)
	if !ok {
		w.mistyped(at, "a list", v)
		return v
	}
	made := make([]any, len(items))
	for i, item := range items {
		made[i] = w.value(at.attr(strconv.Itoa(i)), t.Elem(), item)
	}
	return made
}

func (w *walk) duration(at place, v any) any {
	switch v := v.(type) {
	case string:
		t, err := time.ParseDuration(v)
		if err != nil {
			w.say(at, "Bad duration", "The duration %q at %s can't be read. Write a number with its unit, such as \"30s\", or nanoseconds.", shorten(v), at.location())
			return v
		}
		return json.Number(strconv.FormatInt(int64(t), 10))
	case json.Number:
		w.number(at, duration, v)
	default:
		w.mistyped(at, `a duration such as "30s"`, v)
	}
	return v
}

func (w *walk) number(at place, t reflect.Type, v any) {
	n, ok := v.(json.Number)
	if !ok {
		w.mistyped(at, "a number", v)
		return
	}
	var err error
	switch kind := t.Kind(); {
	case kind == reflect.Float32, kind == reflect.Float64:
		_, err = strconv.ParseFloat(n.String(), t.Bits())
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		_, err = strconv.ParseUint(n.String(), 10, t.Bits())
	default:
		_, err = strconv.ParseInt(n.String(), 10, t.Bits())
	}
	if err != nil {
		w.say(at, "Bad number", "The field %s is a %s in Nomad's API, which can't be %s.", at.location(), t.Kind(), n)
	}
}

func (w *walk) mistyped(at place, wanted string, v any) {
	w.say(at, "Wrong type", "The field %s must be %s, not %s.", at.location(), wanted, kindOfPlain(v))
}

// kindOfPlain names a value for a sentence, as kindOf does.
func kindOfPlain(v any) string {
	switch v := v.(type) {
	case string:
		return kindOf(cty.StringVal(v))
	case bool:
		return kindOf(cty.BoolVal(v))
	case json.Number:
		return "the number " + v.String()
	case []any:
		return "a list"
	}
	return "a map"
}

// fieldsSeen holds the fields of the structs that were asked for before.
var fieldsSeen sync.Map // reflect.Type to map[string]reflect.Type

// fieldsOf gives the fields of a struct by the names they have in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if fields, ok := fieldsSeen.Load(t); ok {
		return fields.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() || f.Anonymous {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields[name] = f.Type
	}
	fieldsSeen.Store(t, fields)
	return fields
}
