package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// merged lays a fragment over a group or task that Crumpet made, in the words of Nomad's API: objects
// key by key, all else replaced, and null takes a key away. Templates and identities are added
// to Crumpet's own, which bring values to the environment. A fragment that does not decode, which
// spec refuses, changes nothing.
func merged[T any](made *T, fragment paas.Fragment) *T {
	if len(fragment) == 0 {
		return made
	}
	over, ok := whole(tree(fragment)).(map[string]any)
	if !ok {
		return made
	}
	result := *made
	base := map[string]any{} // of those fields that the fragment names
	for _, f := range jsonFields(reflect.TypeFor[T]()) {
		if _, named := over[f.name]; named {
			field := reflect.ValueOf(&result).Elem().Field(f.index)
			base[f.name] = tree(encode(field.Interface(), ""))
			field.SetZero()
		}
	}
	if err := json.Unmarshal(encode(overlaid(base, over), ""), &result); err != nil {
		return made
	}
	return &result
}

func overlaid(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	for key, value := range over {
		upper, isObject := value.(map[string]any)
		lower, wasObject := out[key].(map[string]any)
		switch {
		case value == nil:
			delete(out, key)
		case isObject && wasObject:
			out[key] = overlaid(lower, upper)
		case key == "Templates" || key == "Identities":
			ours, _ := out[key].([]any) // none where there is none
			theirs, _ := value.([]any)  // spec has seen that it is a list
			out[key] = slices.Concat(ours, theirs)
		default:
			out[key] = value
		}
	}
	return out
}

// whole takes null out of lists, where it would be an item that Nomad stumbles over.
func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = whole(item)
		}
	case []any:
		items := v[:0]
		for _, item := range v {
			if item != nil {
				items = append(items, whole(item))
			}
		}
		return items
	}
	return v
}

// tree decodes JSON, with numbers as they are written.
func tree(text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil
	}
	return v
}

// Fragment is one piece of a job that the spec has in Nomad's own words, by the key that holds it.
type Fragment struct {
	Key  string          // such as process.web.nomad.group
	JSON json.RawMessage // an object with sorted keys
}

// Fragments lists the fragments of a spec in the order of the file.
func Fragments(s paas.Spec) []Fragment {
	var list []Fragment
	add := func(key string, f paas.Fragment) {
		if len(f) > 0 {
			list = append(list, Fragment{key, f})
		}
	}
	for _, p := range s.Processes {
		at := "process." + p.Name
		add(at+".nomad.group", p.NomadGroup)
		add(at+".nomad.task", p.NomadTask)
		for _, c := range p.Sidecars {
			add(at+".sidecar."+c.Name+".nomad.task", c.NomadTask)
		}
	}
	for _, t := range s.Tasks {
		add("task."+t.Name+".nomad.task", t.NomadTask)
	}
	for _, c := range s.Crons {
		add("cron."+c.Name+".nomad.task", c.NomadTask)
	}
	return list
}

// Forbidden gives a fault for each field of a spec's fragments, and each function of its templates that reaches
// past the app, that the operator does not allow. Allowed are "*" for all, "group.*", "task.*" and "template.*"
// for all of a kind, and single ones such as "group.Constraints", "task.Config" or "template.key".
func Forbidden(s paas.Spec, allowed []string) []paas.Fault {
	if slices.Contains(allowed, "*") {
		return nil
	}
	var faults []paas.Fault
	for _, f := range Fragments(s) {
		kind := f.Key[strings.LastIndexByte(f.Key, '.')+1:]
		fields, _ := tree(f.JSON).(map[string]any)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if slices.Contains(allowed, kind+".*") || slices.Contains(allowed, kind+"."+field) {
				continue
			}
			faults = append(faults, paas.Fault{
				Location: f.Key + "." + field,
				Message: fmt.Sprintf("The operator of this server does not allow %s in a nomad block: leave it out, or ask for %q in nomad_fragments of the server's configuration.",
					field, kind+"."+field),
			})
		}
	}
	all := programs(s)
	for _, at := range slices.Sorted(maps.Keys(all)) {
		faults = append(faults, reaching(at, all[at], allowed)...)
	}
	return faults
}
