package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// maxFaults is how many faults of one file are said; of more, only their number is.
const maxFaults = 100

// faults collects what is wrong with one file, from the parser and from every reading of it.
type faults struct {
	diags  hcl.Diagnostics
	syntax []hcl.Range // where the parser complained
	said   map[said]bool
	more   int // not said
}

// said is a fault as far as saying it twice is no news: an environment inherits those of the app.
type said struct {
	summary    string
	start, end int
	location   string // of one without a range
}

// veil stands before a sensitive value: a fault behind it is one at r, in these words.
type veil struct {
	r      hcl.Range
	detail string
}

// syntax takes the parser's own faults.
func (f *faults) parsed(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if len(f.diags) >= maxFaults {
			f.more++
			continue
		}
		// The expression would make the writer of diagnostics show values.
		diag.Expression, diag.EvalContext = nil, nil
		f.diags = append(f.diags, diag)
		if diag.Subject != nil {
			f.syntax = append(f.syntax, *diag.Subject)
		}
	}
}

// fault reports what is wrong with the value at a place, and keeps Validate from doing so again.
func (d *decoder) fault(at place, r hcl.Range, summary, format string, args ...any) {
	d.broken[at.key()] = true
	if d.found.full() {
		d.found.more++
		return
	}
	d.report(at, r, summary, fmt.Sprintf(format, brief(args)...))
}

// report reports a fault; r is the zero range for one of no place in the file.
func (d *decoder) report(at place, r hcl.Range, summary, detail string) {
	if d.veiled != nil {
		r, detail = d.veiled.r, d.veiled.detail
	}
	f := d.found
	key := said{summary, r.Start.Byte, r.End.Byte, ""}
	nowhere := r.Filename == "" && r.Start.Line == 0
	if nowhere {
		key.location = at.location() + detail
	}
	switch {
	case !nowhere && slices.ContainsFunc(f.syntax, func(s hcl.Range) bool { return s.Overlaps(r) }):
		return // what the parser made of a fault of syntax is no news
	case f.said[key] && d.again:
		return
	case f.full():
		f.more++
		return
	}
	f.said[key] = true
	if b := d.inside; b != nil && !nowhere && !hcl.RangeBetween(b.Range(), b.Body.Range()).Overlaps(r) {
		detail = fmt.Sprintf("In environment %q: %s", label(b), detail)
	}
	diag := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Extra: location(at.location())}
	if !nowhere {
		diag.Subject = &r
	}
	f.diags = append(f.diags, diag)
}

// full says that no more faults are said. Suggestions for them need not be looked for either.
func (f *faults) full() bool { return len(f.diags) >= maxFaults }

// all gives the faults in the order of the file, with the number of those left out.
func (f *faults) all() hcl.Diagnostics {
	sortDiagnostics(f.diags)
	if f.more > 0 {
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Too many faults",
			Detail: fmt.Sprintf("The app spec has %d more faults, which are not shown. Mend these first.", f.more),
		})
	}
	return f.diags
}
