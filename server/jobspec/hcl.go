package jobspec

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	nomadapi "github.com/hashicorp/nomad/api"
)

// HCL gives a job in Nomad's own HCL, formatted as `nomad fmt` leaves it and without what is not set:
// for people to read, and for `nomad job run`, which makes the same job of it. The hcl tags of nomadapi
// say what is an attribute, a block or a label, as they do for Nomad's parser (jobspec2); what that
// parser treats apart from them is treated apart here: see inWords, port and labels.
//
// A key that Nomad's HCL cannot say, such as "a.b" in a service's meta, becomes a comment.
func HCL(job *nomadapi.Job) []byte {
	w := hclWriter{fresh: true}
	spoken := inWords(job)
	w.block("job", []string{*job.ID}, reflect.ValueOf(spoken))
	return hclwrite.Format(w.text.Bytes())
}

// inWords gives a copy of a job in which everything stands where the parser would read it from: the id
// is the job's label and its default name, and a task's default identity is one among its identities.
func inWords(job *nomadapi.Job) nomadapi.Job {
	spoken := *job
	spoken.ID = nil
	if job.Name != nil && *job.Name == *job.ID {
		spoken.Name = nil
	}
	spoken.TaskGroups = nil
	for _, g := range job.TaskGroups {
		group := *g
		group.Tasks = nil
		for _, t := range g.Tasks {
			task := *t
			if t.Identity != nil {
				task.Identities = append([]*nomadapi.WorkloadIdentity{t.Identity}, t.Identities...)
			}
			group.Tasks = append(group.Tasks, &task)
		}
		spoken.TaskGroups = append(spoken.TaskGroups, &group)
	}
	return spoken
}

// hclWriter writes HCL line by line; indents and alignment are left to hclwrite.Format.
type hclWriter struct {
	text  bytes.Buffer
	fresh bool // nothing stands in the block yet
}

func (w *hclWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.text, format+"\n", args...)
	w.fresh = false
}

// block writes a struct as a block, with an empty line before it unless it comes first in its own.
func (w *hclWriter) block(name string, labels []string, v reflect.Value) {
	w.within(name, labels, func() { w.body(v) })
}

func (w *hclWriter) within(name string, labels []string, body func()) {
	if !w.fresh {
		w.text.WriteByte('\n')
	}
	w.text.WriteString(name)
	for _, text := range labels {
		w.text.WriteString(" " + label(text))
	}
	start := w.text.Len()
	w.line(" {")
	w.fresh = true
	body()
	if w.fresh {
		w.text.Truncate(start)
		w.line(" {}")
		return
	}
	w.line("}")
}

// body writes the fields of a struct: attributes, then blocks, each in nomadapi's order, but for groups
// and tasks: these come last, as people write them.
func (w *hclWriter) body(v reflect.Value) {
	var last func()
	for tag, value := range tagged(v) {
		if tag.kind == tagRequired || tag.kind == tagOptional && isSet(value) {
			w.attribute(tag.name, value)
		}
	}
	for tag, value := range tagged(v) {
		if tag.kind != tagBlock || !isSet(value) {
			continue
		}
		if tag.name == "group" || tag.name == "task" {
			last = func() { w.blocks(v.Type(), tag.name, value) }
			continue
		}
		w.blocks(v.Type(), tag.name, value)
	}
	if last != nil {
		last()
	}
}

// blocks writes a field that is one block or several.
func (w *hclWriter) blocks(owner reflect.Type, name string, v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // every other kind is one block
	case reflect.Pointer:
		w.blocks(owner, name, v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			w.blocks(owner, name, v.Index(i))
		}
	case reflect.Map:
		w.mapping(owner, name, v)
	default:
		w.block(port(name), labels(v), v)
	}
}

// mapping writes a map: as a block for each value that is a struct itself, labelled by its key, else as
// a block of attributes.
func (w *hclWriter) mapping(owner reflect.Type, name string, v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Pointer {
		for key, value := range sorted(v) {
			w.block(name, []string{key}, value.Elem())
		}
		return
	}
	if alsoAttribute(owner, name) && !identifiers(v) {
		w.attribute(name, v)
		return
	}
	w.within(name, nil, func() {
		for key, value := range sorted(v) {
			switch {
			case !hclsyntax.ValidIdentifier(key):
				w.line("# %s = %s cannot be said in HCL", quoted(key), flat(value))
			case isObject(value): // the parser would make a list of a plain object here
				w.line("%s = (%s)", key, expression(value))
			default:
				w.attribute(key, value)
			}
		}
	})
}

func (w *hclWriter) attribute(name string, v reflect.Value) {
	if text, ok := stringIn(v); ok && fitsHeredoc(text) {
		w.line("%s = %s", name, heredoc(text))
		return
	}
	w.line("%s = %s", name, expression(v))
}

// alsoAttribute says of which maps the parser takes an attribute in the block's place.
func alsoAttribute(owner reflect.Type, name string) bool {
	switch owner {
	case reflect.TypeFor[nomadapi.Task]():
		return name == "env" || name == "meta"
	case reflect.TypeFor[nomadapi.Job](), reflect.TypeFor[nomadapi.TaskGroup]():
		return name == "meta"
	}
	return false
}

// port is the name of a block: the parser reads a static port from a port block as well, and sorts the
// two kinds out by their numbers.
func port(name string) string {
	if name == "reserved_ports" {
		return "port"
	}
	return name
}

// labels gives a block's labels. A scaling policy's is not in a field of its own.
func labels(v reflect.Value) []string {
	if policy, ok := reflect.TypeAssert[nomadapi.ScalingPolicy](v); ok {
		switch policy.Type {
		case "vertical_cpu":
			return []string{"cpu"}
		case "vertical_mem":
			return []string{"mem"}
		}
	}
	var labels []string
	for tag, value := range tagged(v) {
		if tag.kind == tagLabel {
			labels = append(labels, reflect.Indirect(value).String())
		}
	}
	return labels
}

// Kinds of hcl tags.
const (
	tagRequired = ""
	tagOptional = "optional"
	tagBlock    = "block"
	tagLabel    = "label"
)

type hclTag struct{ name, kind string }

// tagged gives the fields of a struct that have an hcl tag.
func tagged(v reflect.Value) iter.Seq2[hclTag, reflect.Value] {
	return func(yield func(hclTag, reflect.Value) bool) {
		for field, value := range v.Fields() {
			tag, ok := field.Tag.Lookup("hcl")
			if !ok {
				continue
			}
			name, kind, _ := strings.Cut(tag, ",")
			if !yield(hclTag{name, kind}, value) {
				return
			}
		}
	}
}

// isSet says whether a field says something: a zero behind a pointer does.
func isSet(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() > 0
	}
	return !v.IsZero()
}

// sorted gives what is in a map with text for keys, in their order.
func sorted(v reflect.Value) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			if !yield(key.String(), v.MapIndex(key)) {
				return
			}
		}
	}
}

// identifiers says whether every key of a map can stand as a name in HCL.
func identifiers(v reflect.Value) bool {
	for key := range sorted(v) {
		if !hclsyntax.ValidIdentifier(key) {
			return false
		}
	}
	return true
}
