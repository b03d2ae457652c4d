package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// calls has an expression for each function, and the text it gives.
var calls = map[string][2]string{
	"abs":             {`abs(-3)`, "3"},
	"alltrue":         {`alltrue([true, "true"])`, "true"},
	"anytrue":         {`anytrue([false, false])`, "false"},
	"base64decode":    {`base64decode("aMOp")`, "hé"},
	"base64encode":    {`base64encode("hé")`, "aMOp"},
	"base64sha256":    {`base64sha256("a")`, "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="},
	"base64sha512":    {`substr(base64sha512("a"), 0, 8)`, "H0D8ktok"},
	"can":             {`can(tonumber("x"))`, "false"},
	"ceil":            {`ceil(1.2)`, "2"},
	"chomp":           {`chomp("a\n")`, "a"},
	"chunklist":       {`jsonencode(chunklist(["a", "b", "c"], 2))`, `[["a","b"],["c"]]`},
	"cidrhost":        {`"${cidrhost("10.1.2.0/24", 5)} ${cidrhost("10.1.2.0/24", -1)} ${cidrhost("fd00::/64", 1)}"`, "10.1.2.5 10.1.2.255 fd00::1"},
	"cidrnetmask":     {`cidrnetmask("172.16.0.0/12")`, "255.240.0.0"},
	"cidrsubnet":      {`"${cidrsubnet("10.0.0.0/8", 8, 2)} ${cidrsubnet("fd00::/48", 16, 162)}"`, "10.2.0.0/16 fd00:0:0:a2::/64"},
	"coalesce":        {`coalesce(null, "", "x")`, "x"},
	"coalescelist":    {`jsonencode(coalescelist([], ["x"]))`, `["x"]`},
	"compact":         {`jsonencode(compact(["a", "", "b"]))`, `["a","b"]`},
	"concat":          {`jsonencode(concat(["a"], ["b", "c"]))`, `["a","b","c"]`},
	"contains":        {`contains(["a", "b"], "b")`, "true"},
	"csvdecode":       {`csvdecode("a,b\n1,2\n")[0].b`, "2"},
	"distinct":        {`jsonencode(distinct(["a", "b", "a"]))`, `["a","b"]`},
	"element":         {`element(["a", "b"], 3)`, "b"},
	"endswith":        {`endswith("hello", "lo")`, "true"},
	"flatten":         {`jsonencode(flatten([["a"], [["b"], []]]))`, `["a","b"]`},
	"floor":           {`floor(1.8)`, "1"},
	"format":          {`format("%05.1f %s %q", 3.14159, "x", "y")`, `003.1 x "y"`},
	"formatlist":      {`jsonencode(formatlist("%s-%d", ["a", "b"], 1))`, `["a-1","b-1"]`},
	"indent":          {`indent(2, "a\nb")`, "a\n  b"},
	"index":           {`index(["a", "b"], "b")`, "1"},
	"join":            {`join("-", ["a", "b"])`, "a-b"},
	"jsondecode":      {`jsondecode("{\"a\": [1, 2]}").a[1]`, "2"},
	"jsonencode":      {`jsonencode({ b = [1, true, null], a = "<\"" })`, `{"a":"\u003c\"","b":[1,true,null]}`},
	"keys":            {`jsonencode(keys({ b = 1, a = 2 }))`, `["a","b"]`},
	"length":          {`"${length("hé")}${length([1, 2, 3])}${length({ a = 1 })}"`, "231"},
	"log":             {`log(16, 2)`, "4"},
	"lookup":          {`"${lookup({ a = "x" }, "a")}${lookup({ a = "x" }, "b", "y")}"`, "xy"},
	"lower":           {`lower("ABC")`, "abc"},
	"max":             {`max(1, 3, 2)`, "3"},
	"md5":             {`md5("a")`, "0cc175b9c0f1b6a831c399e269772661"},
	"merge":           {`jsonencode(merge({ a = 1, b = 1 }, { b = 2 }))`, `{"a":1,"b":2}`},
	"min":             {`min(1, 3, 2)`, "1"},
	"one":             {`one(["a"])`, "a"},
	"parseint":        {`parseint("ff", 16)`, "255"},
	"pow":             {`pow(2, 10)`, "1024"},
	"range":           {`jsonencode(range(1, 4))`, `[1,2,3]`},
	"regex":           {`regex("[a-z]+", "12ab")`, "ab"},
	"regexall":        {`length(regexall("[a-z]", "1a2b"))`, "2"},
	"replace":         {`"${replace("a.b.c", ".", "-")} ${replace("a1b22", "/[0-9]+/", "#")}"`, "a-b-c a#b#"},
	"reverse":         {`jsonencode(reverse(["a", "b"]))`, `["b","a"]`},
	"setintersection": {`jsonencode(setintersection(["a", "b"], ["b", "c"]))`, `["b"]`},
	"setproduct":      {`jsonencode(setproduct(["a"], ["b", "c"]))`, `[["a","b"],["a","c"]]`},
	"setsubtract":     {`jsonencode(setsubtract(["a", "b"], ["b"]))`, `["a"]`},
	"setunion":        {`jsonencode(setunion(["a"], ["b", "a"]))`, `["a","b"]`},
	"sha1":            {`sha1("a")`, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
	"sha256":          {`substr(sha256("a"), 0, 8)`, "ca978112"},
	"sha512":          {`substr(sha512("a"), 0, 8)`, "1f40fc92"},
	"signum":          {`signum(-9)`, "-1"},
	"slice":           {`jsonencode(slice(["a", "b", "c"], 1, 2))`, `["b"]`},
	"sort":            {`jsonencode(sort(["b", "a"]))`, `["a","b"]`},
	"split":           {`split(",", "a,b")[1]`, "b"},
	"startswith":      {`startswith("hello", "he")`, "true"},
	"strcontains":     {`strcontains("hello", "ell")`, "true"},
	"strrev":          {`strrev("abc")`, "cba"},
	"substr":          {`substr("hello", 1, 3)`, "ell"},
	"sum":             {`sum([1, 2.5])`, "3.5"},
	"title":           {`title("hello world")`, "Hello World"},
	"tobool":          {`tobool("true")`, "true"},
	"tolist":          {`jsonencode(tolist(["a", 1]))`, `["a","1"]`},
	"tomap":           {`jsonencode(tomap({ a = 1, b = "c" }))`, `{"a":"1","b":"c"}`},
	"tonumber":        {`tonumber("3") + 1`, "4"},
	"toset":           {`jsonencode(toset(["b", "a", "b"]))`, `["a","b"]`},
	"tostring":        {`tostring(3)`, "3"},
	"transpose":       {`jsonencode(transpose({ a = ["x", "y"], b = ["y"] }))`, `{"x":["a"],"y":["a","b"]}`},
	"trim":            {`trim("?!a!?", "!?")`, "a"},
	"trimprefix":      {`trimprefix("hello", "he")`, "llo"},
	"trimspace":       {`trimspace("  a\n")`, "a"},
	"trimsuffix":      {`trimsuffix("hello", "lo")`, "hel"},
	"try":             {`try(tonumber("x"), "no")`, "no"},
	"upper":           {`upper("abc")`, "ABC"},
	"urlencode":       {`urlencode("a b&c")`, "a+b%26c"},
	"values":          {`jsonencode(values({ b = 1, a = 2 }))`, `[2,1]`},
	"yamldecode":      {`yamldecode("a: [1, {b: c}]").a[1].b`, "c"},
	"yamlencode":      {`yamlencode({ a = ["b"] })`, "\"a\":\n- \"b\"\n"},
	"zipmap":          {`jsonencode(zipmap(["a", "b"], [1, 2]))`, `{"a":1,"b":2}`},
}

func TestEveryFunctionWorks(t *testing.T) {
	t.Parallel()
	for _, name := range spec.Functions() {
		if _, ok := calls[name]; !ok {
			t.Errorf("there is no example of %s", name)
		}
	}
	for name, c := range calls {
		if !strings.Contains(c[0], name+"(") {
			t.Errorf("the example of %s does not call it", name)
		}
		s := parse(t, one(fmt.Sprintf("env = { A = %s }", c[0])))
		if got, _ := s.Processes[0].Env["A"].Text(); got != c[1] {
			t.Errorf("%s gives %q, want %q", c[0], got, c[1])
		}
	}
}

// value parses one expression as an env of a process with the port http.
func value(tb testing.TB, expression string) paas.Value {
	tb.Helper()
	return parse(tb, one(fmt.Sprintf("env = { A = %s }", expression))).Processes[0].Env["A"]
}

// shape shows a value, references between braces.
func shape(v paas.Value) string {
	var b strings.Builder
	for _, p := range v {
		if p.Ref != nil {
			fmt.Fprintf(&b, "{%s %s}", p.Ref.Kind, p.Ref.Name)
		} else {
			b.WriteString(p.Text + "|")
		}
	}
	return b.String()
}

func TestReferencesPassThroughWhatOnlyCarriesThem(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`"${host.http}:${port.http}"`:                           "{host http}:|{port http}",
		`"${host}:${host.http}"`:                                "{host http}:|{host http}",
		`join(",", ["a", port.http, "b"])`:                      "a,|{port http},b|",
		`jsonencode({ p = port.http, l = ["<", alloc.id] })`:    `{"l":["\u003c","|{alloc.id }"],"p":"|{port http}"}|`,
		`merge({ a = "x" }, { a = port.http }).a`:               "{port http}",
		`true ? port.http : "x"`:                                "{port http}",
		`join(" ", [for k in ["a", "b"] : "${k}${port.http}"])`: "a|{port http} b|{port http}",
		`format("%s/%s", "a", port.http)`:                       "a/|{port http}",
		`trimspace(" ${alloc.index}\n")`:                        "{alloc.index }",
		`replace("http://H/", "H", host.http)`:                  "http://|{host http}/|",
		`[for p in [port.http] : p][0]`:                         "{port http}",
		`port["http"]`:                                          "{port http}",
		`length([port.http])`:                                   "1|",
		`{ for k, v in port : k => v }.http`:                    "{port http}",
		`<<-EOT
        a ${port.http}
          b
      EOT
`: "a |{port http}\n  b\n|",
		`"%{ if true }${port.http}%{ endif }"`: "{port http}",
		`"$${port.http}"`:                      "${port.http}|",
		`"$${host.http}${port.http}"`:          "${host.http}|{port http}",
	} {
		if got := shape(value(t, expression)); got != want {
			t.Errorf("%s gives %s, want %s", expression, got, want)
		}
	}
}

func TestNoReferenceIsComputedWith(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		`upper(port.http)`, `lower("x${host.http}")`, `substr(alloc.id, 0, 8)`, `sha256(port.http)`, `base64encode(port.http)`,
		`port.http + 1`, `-port.http`, `port.http == "80"`, `port.http != "80" ? 1 : 2`, `!alloc.id`, `alloc.index > 3`,
		`[port.http] == ["80"]`, `length(port.http)`, `format("%5s", port.http)`, `format("%.2s", port.http)`,
		`split(":", "${host.http}:80")[0]`, `replace(alloc.id, "-", "")`, `regex("[0-9]", port.http)`, `sort([port.http, "a"])[0]`,
		`contains(["80"], port.http)`, `toset([port.http, "a"])`, `{ "80" = 1 }[port.http]`, `["a", "b"][alloc.index]`,
		`tonumber(port.http)`, `try(upper(port.http), "x")`, `can(tonumber(port.http))`, `{ for k in [port.http] : k => k }`,
		`zipmap([port.http], ["a"])`, `distinct([port.http])[0]`, `trimprefix(alloc.id, "a")`, `title(port.http)`, `"%{ if port.http == "1" }a%{ endif }"`,
	} {
		_, diags := spec.Parse([]byte(one(fmt.Sprintf("env = { A = %s }", expression))), "crumpet.hcl")
		if len(diags) != 1 || strings.Contains(diags[0].Detail, "\ue0c0") {
			t.Errorf("%s: %d faults, want 1: %v", expression, len(diags), spec.Faults(diags))
		}
	}
}

func TestTheSameTextIsNoReference(t *testing.T) {
	t.Parallel()
	const text = "\ue0c0aA0\ue0c1 ${port.http}"
	s, diags := spec.ParseWith([]byte(`variable "x" { type = string }
app "a" {
  process "web" {
    command = ["a", var.x, port.http]
    port "http" {}
  }
}`), spec.Options{Variables: []spec.Variable{{Name: "x", Value: text, Origin: spec.OriginFlag}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := shape(s.Processes[0].Command[1]); got != text+"|" {
		t.Errorf("got %q", got)
	}
}
