package paas

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Diff gives every key of which two specs have different values, in the order of the keys.
func Diff(old, next Spec) []KeyChange { return DiffKeys(old.keys(), next.keys()) }

// DiffReleases is Diff with what else makes a release: its artifact, its runtime and the version of
// its configuration.
func DiffReleases(old, next Release) []KeyChange {
	return DiffKeys(old.keys(), next.keys())
}

func (r Release) keys() map[string]string {
	keys := r.Spec.keys()
	for key, value := range map[string]string{"artifact": r.Artifact, "runtime": r.Runtime} {
		if value != "" {
			keys[key] = value
		}
	}
	if r.Config > 0 {
		keys["config"] = strconv.Itoa(r.Config)
	}
	return keys
}

// DiffKeys gives every key of which two sets have different texts, in the order of the keys.
func DiffKeys(was, now map[string]string) []KeyChange {
	all := maps.Clone(was)
	maps.Copy(all, now)
	changes := []KeyChange{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		before, had := was[key]
		after, has := now[key]
		if had && has && before == after {
			continue
		}
		c := KeyChange{Key: key}
		if had {
			c.Old = &before
		}
		if has {
			c.New = &after
		}
		changes = append(changes, c)
	}
	return changes
}

// keys gives every key of the spec that has a value, named as in an app spec, with its text. It goes
// by the types, so that no key of a later language can be forgotten.
func (s Spec) keys() map[string]string {
	keys := map[string]string{}
	collect(keys, "", reflect.ValueOf(s))
	var names []string
	for _, p := range s.Processes {
		names = append(names, p.Name)
	}
	keys["process"] = strings.Join(names, " ")
	return keys
}

// words are the fields whose key in an app spec is not their name in JSON.
var words = map[string]string{
	"processes": "process", "tasks": "task", "crons": "cron", "sidecars": "sidecar", "ports": "port", "routes": "route",
	"files": "file", "constraints": "constraint", "affinities": "affinity", "spreads": "spread",
	"nomad_group": "nomad.group", "nomad_task": "nomad.task", "secrets": "secret", "services": "service", "volumes": "volume",
}

// units are those of numbers that an app spec gives with one, or that mean little without.
var units = map[string]string{"memory": "MiB", "memory_max": "MiB", "disk": "MiB", "max_size": "MiB", "size": "MiB", "cpu": " MHz"}

func collect(keys map[string]string, key string, v reflect.Value) {
	if text, leaf := leafText(v); leaf {
		if text != "" && v.Kind() == reflect.Int {
			text += units[key[strings.LastIndexByte(key, '.')+1:]]
		}
		if text != "" {
			keys[key] = text
		}
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Pointer && !v.IsNil():
		collect(keys, key, v.Elem())
	case kind == reflect.Map:
		for _, name := range v.MapKeys() {
			collect(keys, joined(key, name.String()), v.MapIndex(name))
		}
	case kind == reflect.Slice:
		for i := range v.Len() {
			collect(keys, joined(key, label(v.Index(i), i)), v.Index(i))
		}
	case kind == reflect.Struct:
		collectFields(keys, key, v)
	}
}

func collectFields(keys map[string]string, key string, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			collect(keys, key, v.Field(i))
		case word(field.Type, name) == "":
		default:
			collect(keys, joined(key, word(field.Type, name)), v.Field(i))
		}
	}
}

// word is a field's key in an app spec; "" for the name of a block, which stands in the key already.
func word(of reflect.Type, name string) string {
	if name == "name" && of.Kind() == reflect.String {
		return ""
	}
	if w, ok := words[name]; ok {
		return w
	}
	return name
}

func joined(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// label tells the blocks of a list apart: by name or path where they have one, so that a block that
// only moved is no change.
func label(v reflect.Value, i int) string {
	switch block := v.Interface().(type) {
	case Route:
		return block.String()
	case ConfigFile:
		return block.Path
	case Target:
		return block.Value
	}
	if v.Kind() == reflect.Struct {
		if name := v.FieldByName("Name"); name.IsValid() && name.Kind() == reflect.String {
			return name.String()
		}
	}
	return strconv.Itoa(i)
}

// leafText is the text of what stands behind one key; "" for nothing.
func leafText(v reflect.Value) (text string, leaf bool) {
	switch x := v.Interface().(type) {
	case Value:
		if len(x) == 0 {
			return "", true
		}
		return strconv.Quote(x.Source()), true
	case Route:
		return "port " + x.Port, true
	case SecretFile:
		return x.Path + ", mode " + x.Mode, true
	case Port:
		return string(cmp.Or(x.Protocol, HTTP)), true
	case []Value:
		var parts []string
		for _, part := range x {
			parts = append(parts, strconv.Quote(part.Source()))
		}
		if len(parts) == 0 {
			return "", true
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case json.RawMessage:
		return string(x), true
	case time.Duration:
		return notZero(x, x.String())
	case Amount:
		return notZero(x, x.String())
	case Constraint:
		return strings.TrimSpace(x.Attribute + " " + x.Operator + " " + x.Value), true
	case Affinity:
		return fmt.Sprintf("%s %s %s, weight %d", x.Attribute, x.Operator, x.Value, x.Weight), true
	case []string, []int:
		if v.Len() == 0 {
			return "", true
		}
		list, err := json.Marshal(x)
		if err != nil {
			return fmt.Sprint(x), true
		}
		return strings.ReplaceAll(string(list), ",", ", "), true
	}
	if v.Kind() == reflect.String {
		return v.String(), true
	}
	if v.Kind() == reflect.Bool {
		return notZero(v.Bool(), "true")
	}
	if v.Kind() == reflect.Int {
		return notZero(v.Int(), strconv.FormatInt(v.Int(), 10))
	}
	return "", false
}

func notZero[T comparable](x T, text string) (string, bool) {
	var zero T
	if x == zero {
		return "", true
	}
	return text, true
}

// String gives the amount as an app spec has it.
func (a Amount) String() string {
	if a.Percent > 0 {
		return strconv.Itoa(a.Percent) + "%"
	}
	return strconv.Itoa(a.Count)
}

// Source gives the value as an app spec has it, references as ${NAME}: for reading only, as text that
// happens to hold ${ looks the same.
func (v Value) Source() string {
	var b strings.Builder
	for _, p := range v {
		switch {
		case p.Ref == nil:
			b.WriteString(p.Text)
		case p.Ref.Name == "":
			b.WriteString("${" + string(p.Ref.Kind) + "}")
		default:
			b.WriteString("${" + string(p.Ref.Kind) + "." + p.Ref.Name + "}")
		}
	}
	return b.String()
}
