package spec

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The functions on collections that go-cty has not, or not with Terraform's meaning.

var errList = errors.New("it must be a list, a set or a tuple")

// elements gives what a list, set or tuple holds.
func elements(v cty.Value) ([]cty.Value, error) {
	if t := v.Type(); !t.IsListType() && !t.IsSetType() && !t.IsTupleType() {
		return nil, errList
	}
	return v.AsValueSlice(), nil
}

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("list", cty.DynamicPseudoType)},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		list, err := elements(args[0])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		if len(list) == 0 {
			return cty.NilVal, function.NewArgErrorf(0, "it is empty")
		}
		total := cty.Zero
		for _, each := range list {
			n, err := convert.Convert(each, cty.Number)
			if err != nil || n.IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "it must hold numbers only")
			}
			if !tame(n) {
				return cty.NilVal, function.NewArgErrorf(0, "a number in it is too large or too small")
			}
			total = total.Add(n)
		}
		return total, nil
	},
})

// truthsFunc says whether all (true) or any (false) of a list are true.
func truthsFunc(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{param("list", cty.List(cty.Bool))},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			for _, each := range args[0].AsValueSlice() {
				if truth := !each.IsNull() && each.True(); truth != all {
					return cty.BoolVal(!all), nil
				}
			}
			return cty.BoolVal(all), nil
		},
	})
}

// coalesceFunc gives the first value that is neither null nor an empty text.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "vals", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		t, _ := convert.UnifyUnsafe(types)
		if t == cty.NilType {
			return t, errors.New("all arguments must have the same type")
		}
		return t, nil
	},
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		for _, arg := range args {
			v, err := convert.Convert(arg, t)
			if err != nil {
				return cty.NilVal, err
			}
			if !v.IsNull() && (v.Type() != cty.String || v.AsString() != "") {
				return v, nil
			}
		}
		return cty.NilVal, errors.New("all arguments are null or empty")
	},
})

var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("list", cty.DynamicPseudoType), param("value", cty.DynamicPseudoType)},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		list, err := elements(args[0])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		for i, each := range list {
			if same, err := stdlib.Equal(each, args[1]); err == nil && same.IsKnown() && !same.IsNull() && same.True() {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.NilVal, errors.New("no element has this value")
	},
})

// lengthFunc counts characters, elements or attributes. A text that holds a reference has no length.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowMarked: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch t := args[0].Type(); {
		case t == cty.String:
			return stdlib.Strlen(args[0])
		case t.IsObjectType():
			_, marks := args[0].Unmark()
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))).WithMarks(marks), nil
		case t.IsTupleType(), t.IsListType(), t.IsSetType(), t.IsMapType():
			return stdlib.Length(args[0])
		}
		return cty.NilVal, function.NewArgErrorf(0, "it must be a text, a list or a map")
	},
})

// lookupFunc gives the element of a map, else the default where there is one.
var lookupFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "map", Type: cty.DynamicPseudoType, AllowMarked: true}, param("key", cty.String),
	},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowMarked: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := lookup(args)
		if err != nil {
			return cty.NilType, err
		}
		return v.Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return lookup(args) },
})

func lookup(args []cty.Value) (cty.Value, error) {
	if len(args) > 3 {
		return cty.NilVal, errors.New("it takes a map, a key and a default")
	}
	whole, marks := args[0].Unmark()
	key, keyMarks := args[1].Unmark()
	t := whole.Type()
	if !t.IsMapType() && !t.IsObjectType() {
		return cty.NilVal, function.NewArgErrorf(0, "it must be a map")
	}
	if !whole.IsKnown() || !key.IsKnown() {
		return cty.DynamicVal, nil
	}
	name := key.AsString()
	switch {
	case t.IsObjectType() && t.HasAttribute(name):
		return whole.GetAttr(name).WithMarks(marks, keyMarks), nil
	case t.IsMapType() && whole.HasIndex(key).True():
		return whole.Index(key).WithMarks(marks, keyMarks), nil
	case len(args) < 3:
		return cty.NilVal, errors.New("the map has no such key, and no default is given")
	case t.IsMapType():
		v, err := convert.Convert(args[2], t.ElementType())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(2, "it must be of the type that the map holds")
		}
		return v.WithMarks(marks, keyMarks), nil
	}
	return args[2].WithMarks(marks, keyMarks), nil
}

// oneFunc gives the only element of a list, or null of an empty one.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("list", cty.DynamicPseudoType)},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := single(args[0])
		if err != nil {
			return cty.NilType, function.NewArgError(0, err)
		}
		return v.Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return single(args[0]) },
})

func single(v cty.Value) (cty.Value, error) {
	if !v.IsKnown() {
		return cty.DynamicVal, nil
	}
	list, err := elements(v)
	switch {
	case err != nil:
		return cty.NilVal, err
	case len(list) == 0:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case len(list) > 1:
		return cty.NilVal, fmt.Errorf("it has %d elements, and may have one at most", len(list))
	}
	return list[0], nil
}

// transposeFunc turns a map of lists of texts around.
var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("map", cty.Map(cty.List(cty.String)))},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
		turned := map[string][]cty.Value{}
		before := args[0].AsValueMap()
		for _, key := range slices.Sorted(maps.Keys(before)) {
			if before[key].IsNull() {
				return cty.NilVal, function.NewArgErrorf(0, "it holds a null")
			}
			for _, each := range before[key].AsValueSlice() {
				if each.IsNull() {
					return cty.NilVal, function.NewArgErrorf(0, "it holds a null")
				}
				turned[each.AsString()] = append(turned[each.AsString()], cty.StringVal(key))
			}
		}
		if len(turned) == 0 {
			return cty.MapValEmpty(t.ElementType()), nil
		}
		after := map[string]cty.Value{}
		for key, list := range turned {
			after[key] = cty.ListVal(list)
		}
		return cty.MapVal(after), nil
	},
})
