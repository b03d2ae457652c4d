package broker

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// object reads the fields of a JSON object one by one and notes what is wrong, so that all faults are
// found and not only the first. Names are matched exactly; a field that is null is not there; fields that
// nobody asks for are ignored.
type object struct {
	at     string // key path, "" at the top
	fields map[string]json.RawMessage
	faults *[]paas.Fault
}

// readObject says what is wrong with a body that is no JSON object.
func readObject(body []byte) (o object, problem string) {
	o.faults = &[]paas.Fault{}
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return o, "the body is empty"
	case body[0] != '{' || json.Unmarshal(body, &o.fields) != nil:
		return o, "the body is not a JSON object"
	}
	return o, ""
}

func (o object) path(key string) string {
	if o.at == "" {
		return key
	}
	return o.at + "." + key
}

// fault notes one. What was read instead is not said: it may be a secret.
func (o object) fault(key, message string) {
	*o.faults = append(*o.faults, paas.Fault{Location: o.path(key), Message: message})
}

// has says whether a field is there and not null.
func (o object) has(key string) bool {
	raw, ok := o.fields[key]
	return ok && string(bytes.TrimSpace(raw)) != "null"
}

func (o object) read(key string, into any, wants string) bool {
	if !o.has(key) {
		return false
	}
	if json.Unmarshal(o.fields[key], into) != nil {
		o.fault(key, "is not "+wants)
		return false
	}
	return true
}

// text gives "" for a field that is not there.
func (o object) text(key string) (s string) {
	o.read(key, &s, "a string")
	return s
}

// needed is a text that must be there, not be empty, and fit into a line.
func (o object) needed(key string) string {
	s := o.text(key)
	if s == "" {
		if !o.has(key) || string(o.fields[key]) == `""` {
			o.fault(key, "is required")
		}
		return ""
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		o.fault(key, "holds control characters")
	}
	return s
}

// flag gives what is said, or the default.
func (o object) flag(key string, unless bool) bool {
	o.read(key, &unless, "true or false")
	return unless
}

func (o object) texts(key string) (list []string) {
	o.read(key, &list, "an array of strings")
	return list
}

// raw gives a field that must be an object, as it came.
func (o object) raw(key string) json.RawMessage {
	var any map[string]json.RawMessage
	if !o.read(key, &any, "an object") {
		return nil
	}
	return bytes.Clone(o.fields[key])
}

// secret is raw, hidden.
func (o object) secret(key string) paas.Secret { return paas.NewSecret(string(o.raw(key))) }

// child gives a field that is an object.
func (o object) child(key string) (object, bool) {
	c := object{at: o.path(key), faults: o.faults}
	return c, o.read(key, &c.fields, "an object")
}

// children gives a field that is an array of objects.
func (o object) children(key string) (list []object) {
	var raw []json.RawMessage
	if !o.read(key, &raw, "an array") {
		return nil
	}
	for i, r := range raw {
		c := object{at: at(o.path(key), i), faults: o.faults}
		if json.Unmarshal(r, &c.fields) != nil || c.fields == nil {
			*o.faults = append(*o.faults, paas.Fault{Location: c.at, Message: "is not an object"})
			continue
		}
		list = append(list, c)
	}
	return list
}

// labels takes the texts of an object and leaves the rest of it: labels that we have no form for are to
// be ignored.
func (o object) labels(key string) map[string]string {
	var raw map[string]json.RawMessage
	if !o.read(key, &raw, "an object") {
		return nil
	}
	labels := map[string]string{}
	for name, value := range raw {
		var s string
		if json.Unmarshal(value, &s) == nil && fits(name) && fits(s) {
			labels[name] = s
		}
	}
	return labels
}

const longestLabel = 255 // what any platform is said to take

func fits(s string) bool {
	return len(s) <= longestLabel && !strings.ContainsFunc(s, unicode.IsControl)
}

// clean makes foreign text fit into a sentence: one line, bounded, without its full stop.
func clean(text string, longest int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // escapes of terminals, changes of direction
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	runes := []rune(strings.TrimRight(strings.Join(strings.Fields(text), " "), ". "))
	if len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return string(runes)
}
