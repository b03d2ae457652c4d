package jobspec_test

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

// nasty are pieces of text that mean something to HCL, Nomad or consul-template.
var nasty = []string{
	"${", "$${", "$", "%", "%{", "%%{", "}", "}}", "{{", `{{ key "x" }}`, "${NOMAD_PORT_http}", "${NOMAD_PORT_my-port}", "${attr.kernel.name}",
	"${meta.rack}", "${node.class}", "${var.x}", "${local.y}", "${true}", `"`, `\`, `\n`, "\n", "\r", "\r\n", "\t", " ", "", "a", "EOT", "\nEOT\n", "EOT2",
	"é", "\u030c", "\u2028", "\x00", "\ufeff", "\U0001f950", "#", "//", "/*", "<<EOT", "${}", "~}",
}

// A generator notes its name when it first draws, unguarded: each draw here makes its own, as tests run
// side by side.

// text is what HCL can hold: valid UTF-8 in normal form C.
func text() *rapid.Generator[string] {
	return rapid.Map(rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(nasty), 0, 6), func(parts []string) string { return strings.Join(parts, "") }),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(nasty), 1, 6), func(parts []string) string { return strings.Join(parts, "\n") + "\n" }),
		rapid.String(),
	), func(s string) string { return cty.NormalizeString(strings.ToValidUTF8(s, "?")) })
}

func word() *rapid.Generator[string] { return rapid.StringMatching(`[a-z][a-z0-9_-]{0,8}`) }

func key() *rapid.Generator[string] {
	return rapid.OneOf(word(), rapid.SampledFrom([]string{"a.b", "for", "true", "a b", "${x}", "1"}))
}

// drawJob fills in a job at random, each field that HCL has a word for.
func drawJob(t *rapid.T) *nomadapi.Job {
	job := &nomadapi.Job{}
	draw(t, reflect.ValueOf(job).Elem(), "job")
	job.ID = new(text().Filter(func(s string) bool { return !strings.Contains(s, "\n") }).Draw(t, "id"))
	job.Name, job.Namespace = new(word().Draw(t, "name")), new("default")
	if rapid.Bool().Draw(t, "named by its id") {
		job.Name = job.ID
	}
	for i, g := range job.TaskGroups {
		g.Name, g.Count = new(fmt.Sprint("g", i)), new(i)
		if g.Scaling != nil {
			g.Scaling.Type, g.Scaling.Max = "horizontal", new(int64(i))
		}
		for j, task := range g.Tasks {
			task.Name = fmt.Sprint("t", j)
			task.ScalingPolicies = nil
			if rapid.Bool().Draw(t, "scaled") {
				task.ScalingPolicies = []*nomadapi.ScalingPolicy{{Type: "vertical_cpu", Max: new(int64(9))}, {Type: "vertical_mem"}}
			}
			for n, id := range task.Identities {
				id.Name = fmt.Sprint("id", n)
			}
			if rapid.Bool().Draw(t, "default identity") {
				task.Identity = &nomadapi.WorkloadIdentity{Name: "default", Env: true, TTL: time.Hour}
			}
			if rapid.Bool().Draw(t, "odd names") {
				task.Env = rapid.MapOfN(key(), text(), 1, 3).Draw(t, "env")
				g.Meta = rapid.MapOfN(key(), text(), 1, 3).Draw(t, "meta")
			}
		}
		if len(g.Tasks) == 0 {
			g.Tasks = []*nomadapi.Task{{Name: "t"}}
		}
	}
	return job
}

// sensible takes out what Nomad's parser would not leave as it is.
func sensible(v any) {
	switch v := v.(type) {
	case *nomadapi.Constraint:
		v.Operand = cmp.Or(v.Operand, "=")
	case *nomadapi.Affinity:
		v.Operand = cmp.Or(v.Operand, "=")
	case *nomadapi.NetworkResource:
		for i := range v.DynamicPorts {
			v.DynamicPorts[i].Value = 0
		}
		for i := range v.ReservedPorts {
			v.ReservedPorts[i].Value = 1000 + i
		}
	case *nomadapi.SidecarTask:
		if v.Resources != nil {
			v.Resources.Networks = nil // their ports are not sorted into two lists
		}
	}
}

func draw(t *rapid.T, v reflect.Value, name string) {
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		v.SetInt(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, name))
		if rapid.Bool().Draw(t, "round") {
			v.SetInt(int64(time.Duration(v.Int()).Round(time.Minute)))
		}
		return
	}
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		for field, value := range v.Fields() {
			tag, ok := field.Tag.Lookup("hcl")
			required := ok && !strings.Contains(tag, ",")
			if ok && (required || strings.HasSuffix(tag, "label") || rapid.IntRange(0, 2).Draw(t, "set") == 0) {
				draw(t, value, field.Name)
			}
		}
		sensible(v.Addr().Interface())
	case kind == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		draw(t, v.Elem(), name)
	case kind == reflect.Slice:
		for range rapid.IntRange(1, 2).Draw(t, "length") {
			item := reflect.New(v.Type().Elem()).Elem()
			draw(t, item, name)
			v.Set(reflect.Append(v, item))
		}
	case kind == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(1, 2).Draw(t, "length") {
			item := reflect.New(v.Type().Elem()).Elem()
			draw(t, item, name)
			key := word().Draw(t, "key")
			if item.Kind() == reflect.Pointer {
				item.Elem().FieldByName("Name").SetString(key) // its label
			}
			v.SetMapIndex(reflect.ValueOf(key), item)
		}
	case kind == reflect.Interface:
		v.Set(reflect.ValueOf(drawAny(t, 3)))
	case kind == reflect.String:
		v.SetString(text().Draw(t, name))
	case kind == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case v.CanUint():
		v.SetUint(uint64(rapid.IntRange(0, 100).Draw(t, name)))
	default:
		v.SetInt(rapid.Int64Range(-100, 100).Draw(t, name))
	}
}

// drawAny is what JSON may hold in a driver's config.
func drawAny(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return rapid.Bool().Draw(t, "truth")
	case 1:
		return rapid.Float64Range(-1e9, 1e9).Draw(t, "number") + 0 // JSON has a -0, HCL has none
	case 2:
		if depth > 0 {
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list = append(list, drawAny(t, depth-1))
			}
			return list
		}
	case 3:
		if depth > 0 {
			tree := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				tree[key().Draw(t, "key")] = drawAny(t, depth-1)
			}
			return tree
		}
	}
	return text().Draw(t, "text")
}
