package spec

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// The scalar readers below leave *to as it is, its default, when the key is not given or can't be
// read, and say whether they set it.

// constant evaluates a key that may not refer to what only the node knows.
func (d *decoder) constant(at place, a *hclsyntax.Attribute) (cty.Value, bool) {
	if a == nil {
		return cty.NilVal, false
	}
	v, ok := d.eval(at, a.Expr, nil)
	if ok && v.IsNull() {
		d.fault(at, a.Expr.Range(), "Value missing", "The value of %s is null. Leave the key out to have its default.", a.Name)
		return cty.NilVal, false
	}
	return v, ok
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
	if n, whole := wholeNumber(v); whole {
		*to = n
		return true
	}
	d.fault(at, a.Expr.Range(), "Whole number expected", "The value of %s must be a whole number without quotes, not %s.", a.Name, kindOf(v))
	return false
}

func (d *decoder) truth(at place, a *hclsyntax.Attribute, to *bool) bool {
	v, ok := d.constant(at, a)
	if !ok {
		return false
	}
	if v.Type() != cty.Bool {
		d.fault(at, a.Expr.Range(), "Truth value expected", "The value of %s must be true or false without quotes, not %s.", a.Name, kindOf(v))
		return false
	}
	*to = v.True()
	return true
}

// word reads a key that is limited to some words.
func word[T ~string](d *decoder, at place, a *hclsyntax.Attribute, to *T, what string, words []T) {
	given := string(*to)
	if !d.text(at, a, &given) {
		return
	}
	if !slices.Contains(words, T(given)) {
		d.fault(at, a.Expr.Range(), "Unknown value", "%s", unknownWord(what, given, words))
		return
	}
	*to = T(given)
}

// unknownWord is what is said of a word that a key does not know.
func unknownWord[T ~string](what, given string, words []T) string {
	known := make([]string, len(words))
	for i, w := range words {
		known[i] = string(w)
	}
	return fmt.Sprintf("The %s can't be %q.%s Write %s.", what, shorten(given), suggest(given, known), either(known))
}

// either joins choices for a sentence: "a", "b" or "c".
func either(words []string) string {
	some := make([]string, len(words))
	for i, w := range words {
		some[i] = strconv.Quote(w)
	}
	last := len(some) - 1
	return strings.Join(some[:last], ", ") + " or " + some[last]
}

// items reads a list whose items a function takes; it says whether it took all.
func (d *decoder) items(at place, a *hclsyntax.Attribute, example string, take func(place, hcl.Range, cty.Value) bool) bool {
	v, ok := d.constant(at, a)
	if !ok {
		return false
	}
	if !sequence(v) {
		d.fault(at, a.Expr.Range(), "List expected", "The value of %s must be a list, not %s. Write %s = %s.", a.Name, kindOf(v), a.Name, example)
		return false
	}
	tuple, literal := a.Expr.(*hclsyntax.TupleConsExpr)
	for i, element := range v.AsValueSlice() {
		r := a.Expr.Range()
		if literal && i < len(tuple.Exprs) {
			r = tuple.Exprs[i].Range()
		}
		here := at.item(i)
		d.ranges[here.key()] = r
		if !take(here, r, element) {
			d.broken[at.key()] = true
			return false
		}
	}
	return true
}

// texts reads a list of texts.
func (d *decoder) texts(at place, a *hclsyntax.Attribute, to *[]string) bool {
	texts := []string{}
	ok := d.items(at, a, `["a", "b"]`, func(here place, r hcl.Range, v cty.Value) bool {
		if v.IsNull() || v.Type() != cty.String {
			d.fault(here, r, "Text expected", "The list %s holds texts in quotes, not %s.", a.Name, kindOf(v))
			return false
		}
		texts = append(texts, v.AsString())
		return true
	})
	if ok {
		*to = texts
	}
	return ok
}

// numbers reads a list of whole numbers.
func (d *decoder) numbers(at place, a *hclsyntax.Attribute, to *[]int) {
	numbers := []int{}
	if d.items(at, a, "[5, 25, 50]", func(here place, r hcl.Range, v cty.Value) bool {
		n, whole := wholeNumber(v)
		if !whole {
			d.fault(here, r, "Whole number expected", "The list %s holds whole numbers without quotes, not %s.", a.Name, kindOf(v))
			return false
		}
		numbers = append(numbers, n)
		return true
	}) {
		*to = numbers
	}
}

// wholeNumber gives the number that a value is.
func wholeNumber(v cty.Value) (int, bool) {
	if v.IsNull() || v.Type() != cty.Number {
		return 0, false
	}
	n, acc := v.AsBigFloat().Int64()
	return int(n), acc == big.Exact && int64(int(n)) == n
}

var sizes = regexp.MustCompile(`^([0-9]{1,15})\s*([A-Za-z]*)$`)

// memory reads a size in MiB.
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
	n, problem := mebibytes(v.AsString())
	if problem != "" {
		d.fault(at, a.Expr.Range(), "Bad size", "The size %q of %s %s", v.AsString(), a.Name, problem)
		return
	}
	*to = n
}

// mebibytes reads a size; problem ends a sentence about it, or is "".
func mebibytes(s string) (n int, problem string) {
	m := sizes.FindStringSubmatch(s)
	if m == nil {
		return 0, `can't be read. Write a whole number with MiB or GiB, such as "128MiB".`
	}
	given, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || given > math.MaxInt32 && m[2] != "B" {
		return 0, `is more than any node has. Write a whole number with MiB or GiB, such as "128MiB".`
	}
	switch unit := strings.ToLower(m[2]); unit {
	case "", "mib":
		return int(given), ""
	case "gib":
		return int(min(given, math.MaxInt32/1024)) * 1024, ""
	case "b":
		if given%(1<<20) != 0 {
			return 0, fmt.Sprintf(`is no whole number of MiB, in which Nomad counts. Write "%dMiB".`, given>>20+1)
		}
		return int(min(given>>20, math.MaxInt32)), ""
	case "mb", "m", "mi", "gb", "g", "gi":
		near, times := "MiB", int64(1)
		if unit[0] == 'g' {
			near, times = "GiB", 1024
		}
		return 0, fmt.Sprintf("has the unit %s: use %s or plain bytes. Write \"%d%s\", or \"%dB\".", m[2], near, given, near, given*times<<20)
	}
	return 0, fmt.Sprintf(`can't be read: there is no unit %s. Write a whole number with MiB or GiB, such as "128MiB".`, m[2])
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
	case v.IsNull():
		return "null"
	case t == cty.String:
		return fmt.Sprintf("the text %q", shorten(v.AsString()))
	case t == cty.Number:
		return "the number " + v.AsBigFloat().Text('f', -1)
	case t == cty.Bool:
		return fmt.Sprintf("the truth value %t", v.True())
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	}
	return "a map"
}

var builders = []paas.Builder{paas.BuilderGo, paas.BuilderStatic, paas.BuilderNone}
