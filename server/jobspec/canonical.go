package jobspec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// encode gives the canonical JSON of a job, a part of one or a tree: what encoding/json makes of it,
// with sorted keys, nothing that is null and no HTML escapes. It walks the value itself, in a fraction of
// the time of encoding it, decoding that to a tree, and encoding the tree.
func encode(v any, indent string) []byte {
	var w canonical
	w.b.Grow(1 << 10)
	w.library = json.NewEncoder(&w.b)
	w.library.SetEscapeHTML(false)
	w.value(reflect.ValueOf(v))
	if indent == "" {
		return w.b.Bytes()
	}
	var b bytes.Buffer
	if err := json.Indent(&b, w.b.Bytes(), "", indent); err != nil { // it has just been encoded
		panic(fmt.Sprintf("jobspec: indent job: %v", err))
	}
	return b.Bytes()
}

// canonical writes one value.
type canonical struct {
	b       bytes.Buffer
	library *json.Encoder // into b
}

func (w *canonical) value(v reflect.Value) {
	switch kind := v.Kind(); {
	case isNull(v):
		w.b.WriteString("null") // an item of a list
	case kind == reflect.Pointer || kind == reflect.Interface:
		w.value(v.Elem())
	case kind == reflect.Bool:
		w.b.WriteString(strconv.FormatBool(v.Bool()))
	case v.CanInt():
		w.b.Write(strconv.AppendInt(w.b.AvailableBuffer(), v.Int(), 10))
	case v.CanUint():
		w.b.Write(strconv.AppendUint(w.b.AvailableBuffer(), v.Uint(), 10))
	case v.Type() == reflect.TypeFor[json.Number]():
		w.other(v.Interface())
	case kind == reflect.String:
		w.text(v.String())
	case kind == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		w.b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.value(v.Index(i))
		}
		w.b.WriteByte(']')
	case v.Type() == reflect.TypeFor[map[string]string]():
		o, texts := w.open(), v.Interface().(map[string]string)
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			o.name(key)
			w.text(texts[key])
		}
		w.b.WriteByte('}')
	case kind == reflect.Map:
		o := w.open()
		for key, item := range sorted(v) {
			o.field(key, item)
		}
		w.b.WriteByte('}')
	case kind == reflect.Struct:
		o := w.open()
		for _, f := range jsonFields(v.Type()) {
			o.field(f.name, v.Field(f.index))
		}
		w.b.WriteByte('}')
	default:
		w.other(v.Interface())
	}
}

// text writes a text, most of which hold nothing that must be escaped.
func (w *canonical) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			w.other(s)
			return
		}
	}
	w.b.WriteByte('"')
	w.b.WriteString(s)
	w.b.WriteByte('"')
}

// other writes what encoding/json has rules of its own for.
func (w *canonical) other(v any) {
	if err := w.library.Encode(v); err != nil { // no field of a job that Job or Decode made can fail
		panic(fmt.Sprintf("jobspec: encode %T: %v", v, err))
	}
	w.b.Truncate(w.b.Len() - 1) // its line feed
}

// jsonObject is one that is being written.
type jsonObject struct {
	*canonical
	start int
}

func (w *canonical) open() jsonObject {
	w.b.WriteByte('{')
	return jsonObject{w, w.b.Len()}
}

func (o jsonObject) field(name string, v reflect.Value) {
	if !isNull(v) { // what is not there decodes to the same
		o.name(name)
		o.value(v)
	}
}

func (o jsonObject) name(name string) {
	if o.b.Len() > o.start {
		o.b.WriteByte(',')
	}
	o.text(name)
	o.b.WriteByte(':')
}

func isNull(v reflect.Value) bool {
	kind := v.Kind()
	if kind == reflect.Interface || kind == reflect.Pointer {
		return v.IsNil() || isNull(v.Elem())
	}
	return kind == reflect.Invalid || (kind == reflect.Map || kind == reflect.Slice) && v.IsNil()
}

// jsonField is a field of a struct by its name in JSON.
type jsonField struct {
	name  string
	index int
}

// fieldsKnown holds the sorted fields of the structs that were written before.
var fieldsKnown sync.Map // reflect.Type to []jsonField

func jsonFields(t reflect.Type) []jsonField {
	if fields, ok := fieldsKnown.Load(t); ok {
		return fields.([]jsonField)
	}
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",") // what is omitted when empty is a pointer in jobs
		if f.IsExported() && name != "-" {
			fields = append(fields, jsonField{cmp.Or(name, f.Name), i})
		}
	}
	slices.SortFunc(fields, func(a, b jsonField) int { return cmp.Compare(a.name, b.name) })
	fieldsKnown.Store(t, fields)
	return fields
}
