package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A server computes what strangers send, so a file may cost only so much: about a quarter of a second
// of loops on a slow machine. The unit is a byte of text, carried once.
const (
	maxWork     = 32 << 20
	maxValue    = 4 << 20 // one value: 4 MiB of text or some 60,000 elements of elements
	maxElements = 2000    // one collection: finding the type of its elements takes the square of that
	perNode     = 64      // an element of a collection
	perRound    = 256     // one round of a loop
	maxLevels   = 64      // of collections in collections
	maxBits     = 4096    // of a number, before or after the point: "1e999999999" is short to write
)

// meter counts what the expressions of one file cost.
type meter struct {
	left int
	told bool // that it has run out
}

// spend takes n off; false says that nothing is left.
func (m *meter) spend(n int) bool {
	m.left -= min(n, maxWork)
	m.left = max(m.left, -1)
	return m.left >= 0
}

func (m *meter) spent() bool { return m.left < 0 }

// weight is what the lists and maps cost that are written out in an expression.
func weight(e hclsyntax.Expression) int {
	n := 0
	// The visitor never reports anything, so neither does the walk.
	_ = hclsyntax.VisitAll(e, func(node hclsyntax.Node) hcl.Diagnostics {
		if m, is := node.(*metered); is {
			node = m.Expression
		}
		n += written(node) * written(node)
		return nil
	})
	return n
}

// written counts the elements of a list or map that is written out.
func written(node hclsyntax.Node) int {
	switch node := node.(type) {
	case *hclsyntax.TupleConsExpr:
		return len(node.Exprs)
	case *hclsyntax.ObjectConsExpr:
		return len(node.Items)
	}
	return 0
}

func (m *meter) named(e hclsyntax.Expression, names []hcl.Traversal, ctx *hcl.EvalContext) int {
	r := e.Range()
	cost := max(0, r.End.Byte-r.Start.Byte)
	for _, t := range names {
		if v, diags := t.TraverseAbs(ctx); !diags.HasErrors() {
			n, _ := size(v)
			cost += n
		}
		if cost > maxWork {
			break
		}
	}
	return cost
}

// check says what is wrong with the size of a value, or "".
func (m *meter) check(v cty.Value) string {
	_, problem := size(v)
	return problem
}

// size measures a value. It stops where the value is too large: collections share what they hold, so
// that one of few bytes in memory can be endless to walk.
func size(v cty.Value) (n int, problem string) {
	var s sizer
	s.walk(v, 0)
	return s.n + s.work, s.problem
}

type sizer struct {
	n, work int
	problem string
}

func (s *sizer) walk(v cty.Value, level int) {
	s.n += perNode
	if s.n > maxValue {
		s.problem = fmt.Sprintf("is too large: its texts together may have %d MiB, its lists and maps together %d elements", maxValue>>20, maxValue/perNode)
	}
	if level > maxLevels {
		s.problem = fmt.Sprintf("is nested more than %d levels deep", maxLevels)
	}
	v, _ = v.Unmark()
	ty := v.Type()
	switch {
	case s.problem != "" || v.IsNull() || !v.IsKnown():
	case ty == cty.String:
		s.n += len(v.AsString())
	case ty == cty.Number:
		if !tame(v) {
			s.problem = "holds a number that is too large or too small to be written out"
		}
	case ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType():
		n := v.LengthInt()
		s.work += n * n
		if n > maxElements {
			s.problem = fmt.Sprintf("is too large: a list or map may have %d elements, and one has %d", maxElements, n)
			return
		}
		named := ty.IsMapType() || ty.IsObjectType()
		for it := v.ElementIterator(); it.Next() && s.problem == ""; {
			key, element := it.Element()
			if named {
				s.n += len(key.AsString())
			}
			s.walk(element, level+1)
		}
	}
}

// tame says that a number can be written out in full without filling the memory.
func tame(v cty.Value) bool {
	f := v.AsBigFloat()
	exponent := f.MantExp(nil)
	return !f.IsInf() && -maxBits < exponent && exponent < maxBits
}

// metered is an expression that is computed many times, in a loop: each time counts.
type metered struct {
	hclsyntax.Expression
	meter  *meter
	names  []hcl.Traversal
	weight int
}

// Value gives what the expression is, or something unknown once nothing is left: compute sees to it
// that this becomes a fault.
func (x *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if x.meter.spent() || !x.meter.spend(perRound+x.weight+x.meter.named(x.Expression, x.names, ctx)) {
		return cty.DynamicVal, nil
	}
	return x.Expression.Value(ctx)
}

func (m *meter) wrap(e hclsyntax.Expression) hclsyntax.Expression {
	if _, done := e.(*metered); done || e == nil {
		return e
	}
	return &metered{Expression: e, meter: m, names: e.Variables(), weight: weight(e)}
}
