package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// builtin is one function of the language. Every one gives the same for the same arguments, on every
// machine and at any time: the same bytes must give the same Spec.
type builtin struct {
	function.Function
	carries carries
	cost    func(args []cty.Value) int // besides the size of its arguments and of its result; may be nil
}

// carries says what of a function's arguments may hold references: it puts them somewhere and
// never looks at them. The number of the first such argument, counted from 1; 0 for none.
type carries int

const (
	looks    carries = 0
	anywhere carries = 1
)

// Functions names the functions of the language, in order.
func Functions() []string { return slices.Sorted(maps.Keys(builtins)) }

// refusal is something that must not be computed, whatever try or can make of it.
type refusal struct {
	where           *hcl.Range
	summary, detail string
}

func (r *refusal) Error() string { return r.detail }

func (s *scope) refuse(summary, format string, args ...any) error {
	r := &refusal{summary: summary, detail: fmt.Sprintf(format, args...)}
	if s.refused == nil {
		s.refused = r
	}
	return r
}

// prepare makes an expression ready to be computed: its functions known, its loops metered, its
// comparisons guarded. It may do so again for the same expression.
func (d *decoder) prepare(at place, e hclsyntax.Expression) bool {
	ok := true
	// The visitor never reports anything, so neither does the walk.
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if m, is := n.(*metered); is {
			n = m.Expression
		}
		if many := written(n); ok && many > maxElements {
			ok = false
			d.fault(at, e.Range(), "Value too large", "The value of %s has a list or map of %d elements; at most %d are computed.", at.location(), many, maxElements)
		}
		switch n := n.(type) {
		case *hclsyntax.FunctionCallExpr:
			if ok {
				ok = d.function(at, n)
			}
		case *hclsyntax.ForExpr:
			n.KeyExpr = d.scope.meter.optional(n.KeyExpr)
			n.CondExpr = d.scope.meter.optional(n.CondExpr)
			n.ValExpr = d.scope.meter.wrap(n.ValExpr)
		case *hclsyntax.SplatExpr:
			n.Each = d.scope.meter.wrap(n.Each)
		case *hclsyntax.BinaryOpExpr:
			n.Op = d.scope.operation(n.Op)
		case *hclsyntax.LiteralValueExpr:
			if ok && n.Val.Type() == cty.Number && n.Val.IsKnown() && !n.Val.IsNull() && !tame(n.Val) {
				ok = false
				d.fault(at, n.Range(), "Number too large", "The value of %s holds a number that is too large or too small to be written out.", at.location())
			}
		}
		return nil
	})
	return ok
}

func (m *meter) optional(e hclsyntax.Expression) hclsyntax.Expression {
	if e == nil {
		return nil
	}
	return m.wrap(e)
}

// function sees to it that the function of a call is there.
func (d *decoder) function(at place, call *hclsyntax.FunctionCallExpr) bool {
	if _, known := d.scope.functions[call.Name]; known {
		return true
	}
	b, there := builtins[call.Name]
	switch {
	case there:
		d.scope.functions[call.Name] = d.scope.guard(call.Name, b)
		return true
	case absent[call.Name] != "":
		d.fault(at, call.NameRange, "Function left out", "There is no function %q here: %s", call.Name, absent[call.Name])
	default:
		hint := suggest(call.Name, Functions())
		if hint == "" {
			hint = " The functions are those of Terraform that look at nothing outside of the file; docs/app-spec.md lists them."
		}
		d.fault(at, call.NameRange, "Unknown function", "There is no function %q.%s", call.Name, hint)
	}
	return false
}

// guard puts the limits of the language around a function.
func (s *scope) guard(name string, b builtin) function.Function {
	if lazy[name] {
		return b.Function
	}
	return function.New(&function.Spec{
		Params: b.Params(), VarParam: b.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := s.admit(name, b, args); err != nil {
				return cty.NilType, err
			}
			return b.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := b.Call(args)
			if err != nil {
				return v, err
			}
			n, problem := size(v)
			if problem != "" {
				return cty.NilVal, s.refuse("Value too large", "What %s gives %s.", name, problem)
			}
			if !s.meter.spend(n) {
				return cty.NilVal, errSpent
			}
			return v, s.unchanged(name, b, args, v)
		},
	})
}

var errSpent = errors.New("it takes too much to compute")

// admit refuses arguments that a function must not be given.
func (s *scope) admit(name string, b builtin, args []cty.Value) error {
	for i, arg := range args {
		n, problem := size(arg)
		if problem != "" {
			return s.refuse("Value too large", "What is given to %s %s.", name, problem)
		}
		if !s.meter.spend(perRound + n) {
			return errSpent
		}
		if b.carries != looks && i+1 >= int(b.carries) {
			continue
		}
		if found := s.tokens.in(unmarked(arg)); found.text != "" {
			return s.refuse("Reference not alone", "The function %s can't be given %s: its value is known only where the instance runs. Put the reference into the finished text.", name, found.text)
		}
	}
	if b.cost == nil || !allKnown(args) {
		return nil
	}
	plain := make([]cty.Value, len(args))
	for i, arg := range args {
		plain[i] = unmarked(arg)
	}
	cost := b.cost(plain)
	if cost > maxValue {
		return s.refuse("Too much to compute", "The function %s would have to make too much of what it is given. Make it smaller, or write the result out.", name)
	}
	if !s.meter.spend(cost) {
		return errSpent
	}
	return nil
}

func allKnown(args []cty.Value) bool {
	for _, arg := range args {
		if !arg.IsWhollyKnown() || arg.IsNull() {
			return false
		}
	}
	return true
}

// unchanged demands that a function gave its references on as they were: were they others, of
// another length, the same would come out but for them. format("%10s") is found out by this.
func (s *scope) unchanged(name string, b builtin, args []cty.Value, v cty.Value) error {
	if b.carries == looks || s.tokens.mark == "" {
		return nil
	}
	refs, others := false, make([]cty.Value, len(args))
	for i, arg := range args {
		arg = unmarked(arg)
		refs = refs || s.tokens.in(arg).text != ""
		others[i] = s.tokens.other(arg)
	}
	if !refs {
		return nil
	}
	again, err := b.Call(others)
	if err != nil || !again.RawEquals(s.tokens.other(unmarked(v))) {
		return s.refuse("Reference not alone", "The function %s can't be given a reference in this way: its value is known only where the instance runs. Put the reference into the finished text.", name)
	}
	return nil
}

// operation gives the guarded twin of an operation that could look at a reference or make a number
// without end.
func (s *scope) operation(op *hclsyntax.Operation) *hclsyntax.Operation {
	var name string
	switch op {
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		name = "a comparison"
	case hclsyntax.OpMultiply, hclsyntax.OpDivide, hclsyntax.OpModulo, hclsyntax.OpAdd, hclsyntax.OpSubtract:
		name = "a computation"
	default:
		return op
	}
	return &hclsyntax.Operation{Type: op.Type, ShortCircuit: op.ShortCircuit, Impl: function.New(&function.Spec{
		Params: op.Impl.Params(),
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, arg := range args {
				n, problem := size(arg)
				if problem != "" {
					return cty.NilType, s.refuse("Value too large", "What is given to %s %s.", name, problem)
				}
				if !s.meter.spend(n) {
					return cty.NilType, errSpent
				}
				if found := s.tokens.in(unmarked(arg)); found.text != "" {
					return cty.NilType, s.refuse("Reference not alone", "%s", notAlone(found.text))
				}
			}
			return op.Impl.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return op.Impl.Call(args) },
	})}
}

// lazy are the functions that get expressions instead of values.
var lazy = map[string]bool{"try": true, "can": true}

// tries says whether an expression asks if another can be computed: for a sensitive value the answer
// would come out without its mark.
func tries(e hclsyntax.Expression) bool {
	found := false
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		if c, is := n.(*hclsyntax.FunctionCallExpr); is && lazy[c.Name] {
			found = true
		}
		return nil
	})
	return found
}

// absent says why a function that users of Terraform and Nomad know is not there, and what to do.
var absent = absentFunctions()

func absentFunctions() map[string]string {
	why := map[string]string{}
	for names, reason := range map[string]string{
		"timestamp plantimestamp formatdate timeadd timecmp":                                 "what depends on a clock would make the same file mean something else tomorrow. Give the time as a variable: --var when=...",
		"uuid uuidv4 uuidv5 bcrypt rsadecrypt":                                               "a random value would replace every instance with each push. Give the value as a variable, or let the program make it when it starts.",
		"file fileexists fileset filebase64 filemd5 filesha1 filesha256 filesha512":          "an app spec is read on the server, where your files are not. Ship the file with the source, or write a file block with its content.",
		"filebase64sha256 filebase64sha512 templatefile abspath basename dirname pathexpand": "an app spec is read on the server, where your files are not. Write the text into a file block: content, or template for what Nomad fills in.",
		"env":                                "an app spec does not see the environment of whoever reads it. Declare a variable and set it with " + EnvPrefix + "NAME or --var NAME=....",
		"sensitive nonsensitive issensitive": "whether a value is sensitive is said where it is declared: sensitive = true in its variable.",
		"key keyExists secret service nomadVar nomadService nomadVariable": "it belongs to the templates that Nomad fills in. Write it into the template of a file block.",
		"templatestring provider_function ephemeralasnull":                 "it has no meaning in an app spec. Write the text as \"${...}\" instead.",
	} {
		for name := range strings.FieldsSeq(names) {
			why[name] = reason
		}
	}
	return why
}
