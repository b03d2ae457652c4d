package broker

import (
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// mostEffort bounds how many schemas are held to how many values. A few lines of a schema that refers to
// itself twice in each of forty steps would otherwise keep a server busy for years.
const mostEffort = 200_000

// effort counts, before anything is validated, what validating would take at most. It remembers what it has
// counted, so that counting itself takes no longer than there are schemas times values.
type effort struct {
	known map[pair]int
	steps int
}

type pair struct {
	schema *jsonschema.Schema
	at     string // where the value stands
}

// tooMuch says whether a value takes more effort than is allowed.
func tooMuch(s *jsonschema.Schema, value any) bool {
	e := effort{known: map[pair]int{}}
	return e.count(s, value, "") > mostEffort
}

// count is mostEffort+1 for all that is more.
func (e *effort) count(s *jsonschema.Schema, value any, at string) int {
	if s == nil {
		return 0
	}
	key := pair{s, at}
	if n, ok := e.known[key]; ok {
		return n
	}
	if e.steps++; e.steps > mostEffort {
		return mostEffort + 1
	}
	e.known[key] = 1 // a reference that leads back here ends validation
	n := 1
	add := func(s *jsonschema.Schema, value any, at string) {
		if n <= mostEffort {
			n = min(n+e.count(s, value, at), mostEffort+1)
		}
	}
	for _, in := range here(s) {
		add(in, value, at)
	}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			below := at + "/" + strconv.Quote(name)
			add(s.PropertyNames, name, below+"#")
			for _, in := range ofMember(s, name) {
				add(in, member, below)
			}
		}
	case []any:
		for i, element := range v {
			for _, in := range ofElement(s, i) {
				add(in, element, at+"/"+strconv.Itoa(i))
			}
		}
	}
	e.known[key] = n
	return n
}

// here are the schemas that a value is held to where it stands.
func here(s *jsonschema.Schema) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else}
	if s.DynamicRef != nil {
		list = append(list, s.DynamicRef.Ref)
	}
	list = append(append(append(list, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, d := range s.Dependencies {
		if in, ok := d.(*jsonschema.Schema); ok {
			list = append(list, in)
		}
	}
	for _, in := range s.DependentSchemas {
		list = append(list, in)
	}
	return list
}

// ofMember are those that a member of an object may be held to.
func ofMember(s *jsonschema.Schema, name string) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.Properties[name], s.UnevaluatedProperties}
	for _, in := range s.PatternProperties {
		list = append(list, in)
	}
	if in, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		list = append(list, in)
	}
	return list
}

// ofElement are those that an element of an array may be held to.
func ofElement(s *jsonschema.Schema, i int) []*jsonschema.Schema {
	list := []*jsonschema.Schema{s.Contains, s.Items2020, s.UnevaluatedItems}
	if i < len(s.PrefixItems) {
		list = append(list, s.PrefixItems[i])
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		list = append(list, items)
	case []*jsonschema.Schema:
		if i < len(items) {
			list = append(list, items[i])
		}
	}
	if in, ok := s.AdditionalItems.(*jsonschema.Schema); ok {
		list = append(list, in)
	}
	return list
}
