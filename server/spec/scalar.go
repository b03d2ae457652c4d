package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// The scalar readers below leave *to as it is, its default, when the key is not given or can't be
// read, and say whether they set it.

// constant evaluates an expression that may not refer to anything.
func (d *decoder) constant(at place, a *hclsyntax.Attribute) (cty.Value, bool) {
	if a == nil {
		return cty.NilVal, false
	}
	if refers(a.Expr) {
		d.fault(at, a.Expr.Range(), "Constant expected", "The value of %s must be written out: only command and env may refer to something.", a.Name)
		return cty.NilVal, false
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		d.fault(at, a.Expr.Range(), "Bad value", "The value of %s can't be computed: %s", a.Name, sentence(diags[0]))
		return cty.NilVal, false
	}
	if v.IsNull() || !v.IsKnown() {
		d.fault(at, a.Expr.Range(), "Value missing", "The value of %s is null. Leave the key out to have its default.", a.Name)
		return cty.NilVal, false
	}
	return v, true
}

func (d *decoder) text(at place, a *hclsyntax.Attribute, to *string) bool {
	v, ok := d.constant(at, a)
	if !ok {
		return false
	}
	if v.Type() != cty.String {
		d.fault(at, a.Expr.Range(), "Text expected", "The value of %s must be a text in quotes, not %s.", a.Name, kindOf(v))
		return false
	}
	*to = v.AsString()
	return true
}

func (d *decoder) number(at place, a *hclsyntax.Attribute, to *int) bool {
	v, ok := d.constant(at, a)
	if !ok {
		return false
	}
	if v.Type() == cty.Number {
		f := v.AsBigFloat()
		if n, acc := f.Int64(); acc == 0 && int64(int(n)) == n {
			*to = int(n)
			return true
		}
	}
	d.fault(at, a.Expr.Range(), "Whole number expected", "The value of %s must be a whole number without quotes, not %s.", a.Name, kindOf(v))
	return false
}

var sizes = regexp.MustCompile(`^([0-9]{1,9})\s*([A-Za-z]*)$`)

// memory reads a size in MiB. MB and GB mean MiB and GiB, as they do in Nomad.
func (d *decoder) memory(at place, a *hclsyntax.Attribute, to *int) {
	v, ok := d.constant(at, a)
	if !ok {
		return
	}
	if v.Type() == cty.Number {
		d.number(at, a, to)
		return
	}
	if v.Type() != cty.String {
		d.fault(at, a.Expr.Range(), "Size expected", `The value of %s must be a size such as "128MiB", not %s.`, a.Name, kindOf(v))
		return
	}
	if n, ok := mebibytes(v.AsString()); ok {
		*to = n
		return
	}
	d.fault(at, a.Expr.Range(), "Bad size", `The size %q of %s can't be read. Write a whole number with MiB or GiB, such as "128MiB".`, v.AsString(), a.Name)
}

func mebibytes(s string) (int, bool) {
	m := sizes.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, false
	}
	switch strings.ToLower(m[2]) {
	case "", "mib", "mb":
		return n, true
	case "gib", "gb":
		return n * 1024, true
	}
	return 0, false
}

func (d *decoder) duration(at place, a *hclsyntax.Attribute, to *time.Duration) {
	v, ok := d.constant(at, a)
	if !ok {
		return
	}
	if v.Type() == cty.Number {
		unit := v.AsBigFloat().Text('f', -1)
		d.fault(at, a.Expr.Range(), "Duration expected", `The value of %s needs a unit. Write "%ss" for seconds.`, a.Name, unit)
		return
	}
	if v.Type() != cty.String {
		d.fault(at, a.Expr.Range(), "Duration expected", `The value of %s must be a duration such as "30s", not %s.`, a.Name, kindOf(v))
		return
	}
	t, err := time.ParseDuration(v.AsString())
	if err != nil {
		d.fault(at, a.Expr.Range(), "Bad duration", `The duration %q of %s can't be read. Write a number with its unit, such as "30s", "500ms" or "2m".`, v.AsString(), a.Name)
		return
	}
	*to = t
}

// kindOf names a value for a sentence.
func kindOf(v cty.Value) string {
	switch t := v.Type(); {
	case t == cty.String:
		return fmt.Sprintf("the text %q", v.AsString())
	case t == cty.Number:
		return "the number " + v.AsBigFloat().Text('f', -1)
	case t == cty.Bool:
		return fmt.Sprintf("the truth value %t", v.True())
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	}
	return "a map"
}

// The words that some keys are limited to.
var (
	builders   = []string{string(paas.BuilderGo), string(paas.BuilderStatic), string(paas.BuilderNone)}
	strategies = []string{string(paas.Rolling), string(paas.StopFirst)}
)
