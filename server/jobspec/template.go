package jobspec

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"text/template/parse"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// harmless are the functions of a template of Nomad's that look at nothing but what they are given and the
// task's own environment. The others read Consul's catalog and
// keys, Nomad's variables and services, Vault, or files, with whatever rights the node or the task has: another
// team's as well. What is not named here is refused, so that a function that Nomad gains is as well. (sprig's
// are: one of them reads the environment of Nomad's own agent.)
var harmless = setOf(
	// of text/template
	"and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery",
	"eq", "ne", "lt", "le", "gt", "ge", "break", "continue",
	// of consul-template
	"env", "mustEnv", "envOrDefault",
	"base64Decode", "base64Encode", "base64URLDecode", "base64URLEncode", "hmacSHA256Hex", "md5sum", "sha256Hex",
	"contains", "containsAll", "containsAny", "containsNone", "containsNotAll", "in",
	"explode", "explodeMap", "mergeMap", "mergeMapWithOverride", "splitToMap",
	"indent", "join", "split", "replaceAll", "regexMatch", "regexReplaceAll",
	"trim", "trimPrefix", "trimSuffix", "trimSpace", "toLower", "toTitle", "toUpper",
	"parseBool", "parseFloat", "parseInt", "parseJSON", "parseUint", "parseYAML",
	"toJSON", "toJSONPretty", "toUnescapedJSON", "toUnescapedJSONPretty", "toTOML", "toYAML",
	"add", "subtract", "multiply", "divide", "modulo", "minimum", "maximum", "timestamp",
)

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// Calls names the functions in a template that are not harmless, each once. A template that can't be read, which
// spec refuses, calls none: Nomad would not render it.
func Calls(text string) []string {
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	sets := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", sets); err != nil {
		return nil
	}
	found := map[string]bool{}
	for _, set := range sets { // the text itself is one, each define is another
		if set.Root != nil {
			callsIn(reflect.ValueOf(set.Root), found)
		}
	}
	if tree.Root != nil {
		callsIn(reflect.ValueOf(tree.Root), found)
	}
	return slices.Sorted(maps.Keys(found))
}

var identifier = reflect.TypeFor[parse.IdentifierNode]()

// callsIn looks into every field of every node, so that a kind of node that Go gains is not passed over.
func callsIn(v reflect.Value, found map[string]bool) {
	switch v.Kind() { //nolint:exhaustive // what else a node holds has no nodes in it
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			callsIn(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			callsIn(v.Index(i), found)
		}
	case reflect.Struct:
		if v.Type() == identifier {
			if name := v.FieldByName("Ident").String(); !harmless[name] {
				found[name] = true
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() { // the tree that a node is of stands in one that is not
				callsIn(v.Field(i), found)
			}
		}
	}
}

// reaching gives a fault for each function by which a program's templates reach past the app, unless the operator
// allows template.FUNCTION.
func reaching(at string, p paas.Program, allowed []string) []paas.Fault {
	var faults []paas.Fault
	for _, f := range p.Files {
		for _, name := range Calls(f.Template) {
			if slices.Contains(allowed, "template.*") || slices.Contains(allowed, "template."+name) {
				continue
			}
			faults = append(faults, paas.Fault{
				Location: fmt.Sprintf("%s.file.%s.template", at, f.Path),
				Message: fmt.Sprintf("The operator of this server does not allow %s in a template, as it can read what is not the app's: leave it out, or ask for %q in nomad_fragments of the server's configuration.",
					name, "template."+name),
			})
		}
	}
	return faults
}

// programs gives every program of a spec by its key.
func programs(s paas.Spec) map[string]paas.Program {
	all := map[string]paas.Program{}
	for _, p := range s.Processes {
		all["process."+p.Name] = p.Program
		for _, c := range p.Sidecars {
			all["process."+p.Name+".sidecar."+c.Name] = c.Program
		}
	}
	for _, t := range s.Tasks {
		all["task."+t.Name] = t.Program
	}
	for _, c := range s.Crons {
		all["cron."+c.Name] = c.Program
	}
	return all
}
