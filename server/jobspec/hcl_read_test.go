package jobspec_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	nomadapi "github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"
)

// parseHCL reads a job as Nomad's jobspec2 does, as far as HCL writes it. That package is not among the
// modules one can import; TestNomadReadsTheSameJob asks a real Nomad.
func parseHCL(text []byte) (*nomadapi.Job, error) {
	file, diags := hclsyntax.ParseConfig(text, "job.nomad.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	r := hclReader{text}
	body, _ := file.Body.(*hclsyntax.Body) // what ParseConfig gives
	if len(body.Blocks) != 1 || len(body.Attributes) != 0 || body.Blocks[0].Type != "job" || len(body.Blocks[0].Labels) != 1 {
		return nil, errors.New("not one job block")
	}
	job := &nomadapi.Job{}
	if err := r.body(body.Blocks[0].Body, reflect.ValueOf(job).Elem()); err != nil {
		return nil, err
	}
	job.ID = &body.Blocks[0].Labels[0]
	if job.Name == nil {
		job.Name = job.ID
	}
	for _, g := range job.TaskGroups {
		sortPorts(g.Networks)
		for _, t := range g.Tasks {
			for i, id := range t.Identities {
				if id.Name == "" || id.Name == "default" {
					t.Identity, t.Identities = id, append(t.Identities[:i:i], t.Identities[i+1:]...)
					break
				}
			}
			if t.Resources != nil {
				sortPorts(t.Resources.Networks)
			}
		}
	}
	return job, nil
}

func sortPorts(networks []*nomadapi.NetworkResource) {
	for _, n := range networks {
		var dynamic []nomadapi.Port
		for _, p := range n.DynamicPorts {
			if p.Value > 0 {
				n.ReservedPorts = append(n.ReservedPorts, p)
			} else {
				dynamic = append(dynamic, p)
			}
		}
		n.DynamicPorts = dynamic
	}
}

type hclReader struct{ text []byte }

// body fills a struct by its hcl tags.
func (r hclReader) body(body *hclsyntax.Body, into reflect.Value) error {
	for name, attr := range body.Attributes {
		field, ok := fieldOf(into, name)
		if !ok {
			return fmt.Errorf("%s: %s has no %q", attr.SrcRange, into.Type(), name)
		}
		if err := r.set(field, attr.Expr); err != nil {
			return fmt.Errorf("%s: %w", attr.SrcRange, err)
		}
	}
	for _, block := range body.Blocks {
		field, ok := fieldOf(into, block.Type)
		if !ok {
			return fmt.Errorf("%s: %s has no %q", block.TypeRange, into.Type(), block.Type)
		}
		if err := r.block(block, field); err != nil {
			return fmt.Errorf("%s: %w", block.TypeRange, err)
		}
	}
	return nil
}

func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for field, value := range v.Fields() {
		if tag, kind, _ := strings.Cut(field.Tag.Get("hcl"), ","); tag == name && kind != "label" && name != "" {
			return value, true
		}
	}
	return reflect.Value{}, false
}

func (r hclReader) block(block *hclsyntax.Block, field reflect.Value) error {
	t := field.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if !field.IsNil() {
			return errors.New("a second block")
		}
		field.Set(reflect.New(t.Elem()))
		return r.labelled(block, field.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Pointer:
		item := reflect.New(t.Elem().Elem())
		field.Set(reflect.Append(field, item))
		return r.labelled(block, item.Elem())
	case t.Kind() == reflect.Slice:
		item := reflect.New(t.Elem()).Elem()
		err := r.labelled(block, item)
		field.Set(reflect.Append(field, item))
		return err
	case t.Kind() != reflect.Map:
		return fmt.Errorf("%s is no block", t)
	}
	if field.IsNil() {
		field.Set(reflect.MakeMap(t))
	}
	if t.Elem().Kind() == reflect.Pointer {
		item := reflect.New(t.Elem().Elem())
		field.SetMapIndex(reflect.ValueOf(block.Labels[0]), item)
		return r.labelled(block, item.Elem())
	}
	for name, attr := range block.Body.Attributes {
		item := reflect.New(t.Elem()).Elem()
		if err := r.set(item, attr.Expr); err != nil {
			return err
		}
		if _, object := attr.Expr.(*hclsyntax.ObjectConsExpr); object {
			return fmt.Errorf("%s: Nomad would read a list here", attr.SrcRange)
		}
		field.SetMapIndex(reflect.ValueOf(name), item)
	}
	return nil
}

func (r hclReader) labelled(block *hclsyntax.Block, into reflect.Value) error {
	labels := block.Labels
	if policy, ok := reflect.TypeAssert[*nomadapi.ScalingPolicy](into.Addr()); ok && len(labels) == 1 {
		policy.Type = "vertical_" + labels[0]
		labels = nil
	}
	for field, value := range into.Fields() {
		if strings.HasSuffix(field.Tag.Get("hcl"), ",label") && len(labels) > 0 {
			if value.Kind() == reflect.Pointer {
				value.Set(reflect.New(value.Type().Elem()))
				value = value.Elem()
			}
			value.SetString(labels[0])
			labels = labels[1:]
		}
	}
	if len(labels) > 0 {
		return fmt.Errorf("labels %q", labels)
	}
	return r.body(block.Body, into)
}

// set evaluates an expression into a field.
func (r hclReader) set(into reflect.Value, expr hclsyntax.Expression) error {
	v, err := r.value(expr)
	if err != nil {
		return err
	}
	return assign(into, v)
}

// value evaluates an expression. A variable stands for itself, as it does for Nomad.
func (r hclReader) value(expr hclsyntax.Expression) (any, error) {
	switch e := expr.(type) {
	case *hclsyntax.TemplateExpr:
		var b strings.Builder
		for _, part := range e.Parts {
			v, err := r.value(part)
			if err != nil {
				return nil, err
			}
			fmt.Fprint(&b, v)
		}
		return b.String(), nil
	case *hclsyntax.TemplateWrapExpr:
		return r.value(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		return "${" + string(e.SrcRange.SliceBytes(r.text)) + "}", nil
	case *hclsyntax.ParenthesesExpr:
		return r.value(e.Expression)
	case *hclsyntax.TupleConsExpr:
		list := []any{}
		for _, item := range e.Exprs {
			v, err := r.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *hclsyntax.ObjectConsExpr:
		tree := map[string]any{}
		for _, item := range e.Items {
			key, diags := item.KeyExpr.Value(nil)
			if diags.HasErrors() {
				return nil, diags
			}
			v, err := r.value(item.ValueExpr)
			if err != nil {
				return nil, err
			}
			tree[key.AsString()] = v
		}
		return tree, nil
	}
	v, diags := expr.Value(nil)
	switch {
	case diags.HasErrors():
		return nil, diags
	case v.Type() == cty.String:
		return v.AsString(), nil
	case v.Type() == cty.Bool:
		return v.True(), nil
	case v.Type() == cty.Number:
		f, _ := v.AsBigFloat().Float64()
		return f, nil
	}
	return nil, fmt.Errorf("a %s", v.Type().FriendlyName())
}

func assign(into reflect.Value, v any) error {
	text, isText := v.(string)
	number, isNumber := v.(float64)
	list, isList := v.([]any)
	tree, isTree := v.(map[string]any)
	truth, isTruth := v.(bool)
	switch kind := into.Kind(); {
	case kind == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return assign(into.Elem(), v)
	case kind == reflect.Interface:
		into.Set(reflect.ValueOf(v))
	case into.Type() == reflect.TypeFor[time.Duration]() && isText:
		d, err := time.ParseDuration(text)
		into.SetInt(int64(d))
		return err
	case kind == reflect.String && isText:
		into.SetString(text)
	case kind == reflect.Bool && isTruth:
		into.SetBool(truth)
	case into.CanInt() && isNumber:
		into.SetInt(int64(number))
	case into.CanUint() && isNumber:
		into.SetUint(uint64(number))
	case kind == reflect.Slice && isList:
		for _, item := range list {
			element := reflect.New(into.Type().Elem()).Elem()
			if err := assign(element, item); err != nil {
				return err
			}
			into.Set(reflect.Append(into, element))
		}
	case kind == reflect.Map && isTree:
		into.Set(reflect.MakeMap(into.Type()))
		for key, item := range tree {
			element := reflect.New(into.Type().Elem()).Elem()
			if err := assign(element, item); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key), element)
		}
	default:
		return fmt.Errorf("%T for a %s", v, into.Type())
	}
	return nil
}
