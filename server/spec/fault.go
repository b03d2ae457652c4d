package spec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// place names one thing in a spec, twice: key tells two blocks with the same label apart and finds
// a source range, location is what a user reads. They are put together when they are asked for, which of
// most places they never are.
type place struct {
	blockKey      string // process#0.route#1
	blockLocation string // process.web.route.shop.example.com/
	name          string // port; "" for the block itself
}

// placed names a block.
func placed(key, location string) place { return place{blockKey: key, blockLocation: location} }

func (p place) key() string { return join(p.blockKey, p.name) } // process#0.route#1.port

func (p place) location() string { // process.web.route.shop.example.com/.port
	if p.name == labelName {
		return p.blockLocation
	}
	return join(p.blockLocation, p.name)
}

func (p place) attr(name string) place {
	if p.name == "" {
		return place{p.blockKey, p.blockLocation, name}
	}
	return place{p.key(), p.location(), name}
}

func (p place) block(kind string, index int, label string) place {
	return placed(join(p.key(), kind+"#"+strconv.Itoa(index)), join(p.location(), strings.TrimSuffix(kind+"."+label, ".")))
}

// labelName stands for the label of a block where a key of it would be named.
const labelName = "#label"

// label is the place of a block's own name.
func (p place) label() place { return place{p.key(), p.location(), labelName} }

func join(path, name string) string {
	switch "" {
	case path:
		return name
	case name:
		return path
	}
	return path + "." + name
}

// location is a diagnostic's Extra: the key path that the diagnostic is about.
type location string

// Faults gives the errors among diagnostics as the API answers them, each with its key path
// (process.web.memory), or FILE:LINE:COLUMN for a fault of syntax.
func Faults(diags hcl.Diagnostics) []paas.Fault {
	var faults []paas.Fault
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			faults = append(faults, paas.Fault{Location: locate(d), Message: sentence(d)})
		}
	}
	return faults
}

// Err gives the errors among diagnostics as one invalid paas.Error, or nil.
func Err(diags hcl.Diagnostics) error {
	faults := Faults(diags)
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
	}
	return &paas.Error{Code: paas.Invalid, Message: fmt.Sprintf("The app spec has %d faults.", len(faults)), Faults: faults}
}

func locate(d *hcl.Diagnostic) string {
	if l, ok := d.Extra.(location); ok {
		return string(l)
	}
	if d.Subject == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
}

func sentence(d *hcl.Diagnostic) string {
	if d.Detail == "" {
		return d.Summary + "."
	}
	return d.Detail
}

// suggest gives ` Did you mean "x"?` for the candidate nearest to what was given, or "".
func suggest(given string, candidates []string) string {
	if near := nearest(given, candidates); near != "" {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}

// nearest gives the candidate that is at most two letters from what was given, or "".
func nearest(given string, candidates []string) string {
	near, least := "", 3
	if len(candidates) > 500 {
		return "" // comparing each of many names with all of many takes minutes
	}
	for _, c := range candidates {
		if len(c) > len(given)+2 || len(c) < len(given)-2 {
			continue
		}
		if d := len(given) - len(c); d < -2 || d > 2 {
			continue
		}
		if n := levenshtein.Distance(strings.ToLower(given), strings.ToLower(c), nil); n < least && n < len(c) {
			near, least = c, n
		}
	}
	return near
}

// list joins names for a sentence: a, b and c.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
