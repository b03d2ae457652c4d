package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	nomadapi "github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// level is one of the objects of a Nomad job that a fragment may be merged over.
type level struct {
	name      string
	of        reflect.Type
	forbidden map[string]string // fields that are Crumpet's own, and what to write instead
}

var (
	groupLevel = level{"group", reflect.TypeFor[nomadapi.TaskGroup](), map[string]string{
		"Name":     "It is the name of the process.",
		"Count":    "Write instances in the process.",
		"Tasks":    "Write command for the first, and a sidecar for each other.",
		"Update":   "Write deploy in the app: Crumpet walks between two jobs, and Nomad's own deployments are off.",
		"Services": "Write port, route and health in the process.",
		"Migrate":  "Crumpet moves instances off a node by itself.",
		"Scaling":  "Write instances, or run \"crumpet scale\".",
		"Networks": "Write port in the process.",
	}}
	taskLevel = level{"task", reflect.TypeFor[nomadapi.Task](), map[string]string{
		"Name":      "It is the name of the block around it.",
		"Services":  "Write port, route and health in the process.",
		"Artifacts": "The artifact is what crumpet built; fetch more in the program.",
		"Leader":    "The program of the process leads, and its sidecars end with it.",
		"Lifecycle": "Write a sidecar, or a task with phase = \"before\".",
	}}
)

// fragments reads the escape hatch, by the names of its keys. They are stored as canonical JSON.
func (d *decoder) fragments(at place, b *hclsyntax.Block, s schema) map[string]paas.Fragment {
	if b == nil {
		return nil
	}
	at = at.attr("nomad")
	return once(d, at, b, "", func() map[string]paas.Fragment { return d.fragment(at, b, s) })
}

func (d *decoder) fragment(at place, b *hclsyntax.Block, s schema) map[string]paas.Fragment {
	d.stands(at, b)
	fragments := map[string]paas.Fragment{}
	for name, a := range d.read(at, b.Body, *s.blocks["nomad"].body).attrs {
		here := at.attr(name)
		v, ok := d.constant(here, a)
		switch {
		case !ok:
		case !v.Type().IsObjectType() && !v.Type().IsMapType():
			d.fault(here, a.Expr.Range(), "Map expected", "The %s is a piece of a Nomad job, a map, and not %s. Write %s = { Meta = { rack = \"r1\" } }.", a.Name, kindOf(v), a.Name)
		default:
			d.standsEach(here, a.Expr)
			l := taskLevel
			if name == groupLevel.name {
				l = groupLevel
			}
			fragments[name] = canonical(l.tidy(plain(v)))
		}
	}
	return fragments
}

// standsEach notes where the pieces of a map or list that is written out stand.
func (d *decoder) standsEach(at place, e hclsyntax.Expression) {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			name, ok := nameOf(item.KeyExpr)
			if !ok {
				continue
			}
			here := at.attr(name)
			if _, twice := d.ranges[here.key()]; twice {
				d.fault(here, item.KeyExpr.Range(), "Name repeated", "The field %s is there a second time. Keep one.", name)
			}
			d.ranges[here.label().key()] = item.KeyExpr.Range()
			d.standsAt(here, item.ValueExpr)
		}
	case *hclsyntax.TupleConsExpr:
		for i, item := range e.Exprs {
			d.standsAt(at.attr(strconv.Itoa(i)), item)
		}
	}
}

// nameOf gives the name on the left in a map, if it is written out.
func nameOf(e hclsyntax.Expression) (string, bool) {
	if name := hcl.ExprAsKeyword(e); name != "" {
		return name, true
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func (d *decoder) standsAt(at place, e hclsyntax.Expression) {
	d.ranges[at.key()] = e.Range()
	d.standsEach(at, e)
}

// plain turns a value into what encoding/json makes of its JSON, with json.Number for numbers.
func plain(v cty.Value) any {
	switch t := v.Type(); {
	case v.IsNull():
		return nil
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		return json.Number(decimal(v))
	case t.IsObjectType(), t.IsMapType():
		object := map[string]any{}
		for name, field := range v.AsValueMap() {
			object[name] = plain(field)
		}
		return object
	}
	list := []any{}
	for _, item := range v.AsValueSlice() {
		list = append(list, plain(item))
	}
	return list
}

// decimal writes a number as Go's encoding/json reads an integer: without an exponent.
func decimal(v cty.Value) string {
	if f := v.AsBigFloat(); f.IsInt() {
		return f.Text('f', 0)
	}
	return v.AsBigFloat().Text('g', -1)
}

// canonical is the one text of a fragment; an empty one is none.
func canonical(v any) paas.Fragment {
	if object, ok := v.(map[string]any); ok && len(object) == 0 {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil { // texts, numbers, lists and maps of them can't fail to marshal
		return nil
	}
	return b
}

// parseFragment reads a fragment as plain gives it.
func parseFragment(f paas.Fragment) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(f))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("read fragment: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF || object == nil {
		return nil, fmt.Errorf("read fragment: not one JSON object")
	}
	return object, nil
}
