package paas

import "strings"

// RefKind says what a reference is resolved to on the node.
type RefKind string

// The kinds of reference. Nomad knows the values only once it has placed an allocation.
const (
	RefPort       RefKind = "port"        // the number of the port called Name
	RefHost       RefKind = "host"        // the address to listen on for the port called Name
	RefAllocID    RefKind = "alloc.id"    // the id of the allocation
	RefAllocIndex RefKind = "alloc.index" // the index of the instance within its slot: not unique while an app walks
)

// Ref is a reference to something that only the node knows.
type Ref struct {
	Kind RefKind `json:"kind"`
	Name string  `json:"name,omitempty"` // of the port, for RefPort and RefHost
}

// Part is one piece of a Value: literal text, or a reference.
type Part struct {
	Text string `json:"text,omitempty"`
	Ref  *Ref   `json:"ref,omitempty"`
}

// Value is a text that may refer to ports or the allocation: a list of parts, never a string with
// ${ in it, so that text which happens to hold ${ stays text.
type Value []Part

// Literal is the Value of plain text.
func Literal(s string) Value { return Value{{Text: s}} }

// Text gives the text of a value without references; ok is false if it has one.
func (v Value) Text() (s string, ok bool) {
	var b strings.Builder
	for _, p := range v {
		if p.Ref != nil {
			return "", false
		}
		b.WriteString(p.Text)
	}
	return b.String(), true
}

// Refs gives the references in order.
func (v Value) Refs() []Ref {
	var refs []Ref
	for _, p := range v {
		if p.Ref != nil {
			refs = append(refs, *p.Ref)
		}
	}
	return refs
}
