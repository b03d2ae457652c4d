package spec_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

func parse(tb testing.TB, src string) *paas.Spec {
	tb.Helper()
	s, diags := spec.Parse([]byte(src), "crumpet.hcl")
	if diags.HasErrors() {
		tb.Fatal(text(src, spec.Options{Filename: "crumpet.hcl"}))
	}
	return s
}

// text shows what Parse made of a source: the spec's JSON, or every diagnostic.
func text(src string, o spec.Options) string {
	s, diags := spec.ParseWith([]byte(src), o)
	if s == nil {
		return spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src)}, 0, false)
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(b) + "\n"
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d goldens: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, found := strings.Cut(string(golden), "----\n")
			if !found {
				t.Fatal("no line ----")
			}
			got := text(src, options(t, src))
			if *update {
				if err := os.WriteFile(file, []byte(src+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("run with -update and review the difference:\n%s", diff)
			}
		})
	}
}

// one is an app whose only process holds the given lines.
func one(lines string) string {
	return "app \"a\" {\n  process \"web\" {\n    command = [\"./a\"]\n    port \"http\" {}\n" + lines + "\n  }\n}\n"
}

// app is an app that holds the given lines.
func app(lines string) string { return "app \"a\" {\n" + lines + "\n}\n" }

func TestOneFaultGivesOneSentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ src, location, want string }{
		"no instances below zero":      {one(`instances = -1`), "process.web.instances", "must be from 0 to 1000"},
		"no part of an instance":       {one(`instances = 1.5`), "process.web.instances", "whole number"},
		"no number in quotes":          {one(`cpu = "100"`), "process.web.cpu", `not the text "100"`},
		"no process without cpu":       {one(`cpu = 0`), "process.web.cpu", "from 1 to"},
		"memory has a unit we know":    {one(`memory = "1TiB"`), "process.web.memory", "can't be read"},
		"memory is what Nomad takes":   {one(`memory = 9`), "process.web.memory", "from 10 to"},
		"memory is no list":            {one(`memory = [1]`), "process.web.memory", "not a list"},
		"a duration has a unit":        {one(`startup = 30`), "process.web.startup", `Write "30s"`},
		"a duration can be read":       {one(`startup = "soon"`), "process.web.startup", `"soon"`},
		"startup leaves time":          {one("startup = \"2s\"\nmin_healthy = \"2s\""), "process.web.startup", "only after 2s"},
		"kill_timeout is not cut":      {one(`kill_timeout = "31s"`), "process.web.kill_timeout", "from 0s to 30s"},
		"a delay does not go back":     {one(`shutdown_delay = "-1s"`), "process.web.shutdown_delay", "from 0s"},
		"strategies have names":        {one(`strategy = "rollin"`), "process.web.strategy", `Did you mean "rolling"?`},
		"a key is near to another":     {one(`instance = 2`), "process.web.instance", `Did you mean "instances"?`},
		"a key is near to none":        {one(`zzz = 2`), "process.web.zzz", "It may hold args, command, cores, cpu,"},
		"a block is not a key":         {one(`health = "/up"`), "process.web.health", "health is a block"},
		"a key is not a block":         {one(`env { A = 1 }`), "process.web.env", "Write env = "},
		"a block stands once":          {one("health {}\nhealth {}"), "process.web.health", "the first is in line 5"},
		"a block has no name":          {one(`health "x" {}`), "process.web.health", "has no name"},
		"a block has a name":           {one("route {}"), "process.web.route", "needs host and path"},
		"a block has one name":         {one(`route "a.b/" "c.d/" {}`), "process.web.route", `"c.d/" is a second`},
		"restart attempts have bounds": {one("restart { attempts = 101 }"), "process.web.restart.attempts", "from 0 to 100"},
		"restart delay has bounds":     {one(`restart { delay = "1h" }`), "process.web.restart.delay", "from 0s to 10m."},
		"a check is not too frequent":  {one(`health { interval = "10ms" }`), "process.web.health.interval", "from 1s"},
		"a check has a path":           {one(`health { path = "up" }`), "process.web.health.path", `Write "/up"`},
		"a check's path has no marker": {one(`health { path = "/$${X}" }`), "process.web.health.path", "no request can have"},
		"a check's port exists":        {one(`health { port = "htp" }`), "process.web.health.port", `Did you mean "http"?`},
		"a route's port exists":        {one(`route "a.b/" { port = "x" }`), "process.web.route.a.b/.port", "The ports are http."},
		"a route has its port said":    {one("port \"x\" {}\nroute \"a.b/\" {}"), "process.web.route.a.b/.port", `Write port = "http"`},
		"a route has no scheme":        {one(`route "https://a.b/" {}`), "process.web.route.https://a.b/", `Leave out "https://"`},
		"a route is there once":        {one("route \"a.b/\" {}\nroute \"a.b\" {}"), "process.web.route.a.b/", `already belongs to process "web"`},
		"a port is there once":         {one(`port "http" {}`), "process.web.port.http", "second port"},
		"a port has a short name":      {one(`port "a-very-long-name" {}`), "process.web.port.a-very-long-name", "at most 12"},
		"a port has no keys":           {one(`port "x" { static = 80 }`), "process.web.port.x.static", "It may hold protocol."},
		"env has names":                {one(`env = { "a-b" = 1 }`), "process.web.env.a-b", "only letters, digits and underscores"},
		"env keeps what is reserved":   {one(`env = { NOMAD_X = 1 }`), "process.web.env.NOMAD_X", "Choose another name"},
		"env keeps PORT_HTTP":          {one(`env = { PORT_HTTP = 1 }`), "process.web.env.PORT_HTTP", "Choose another name"},
		"env has each name once":       {one(`env = { A = 1, A = 2 }`), "process.web.env.A", "second time"},
		"env is a map":                 {one(`env = ["A=1"]`), "process.web.env", `Write env = { NAME = "value" }`},
		"env holds no lists":           {one(`env = { A = [1] }`), "process.web.env.A", "must be a text"},
		"env holds no null":            {one(`env = { A = null }`), "process.web.env.A", "must be a text"},
		"a reference exists":           {one(`env = { A = "${prot.http}" }`), "process.web.env.A", "There are port.http, host.http, alloc.id and alloc.index"},
		"a referenced port exists":     {one(`env = { A = "${port.htp}" }`), "process.web.env.A", `Did you mean "http"?`},
		"a reference is not computed":  {one(`env = { A = port.http + 1 }`), "process.web.env.A", "can't be computed with"},
		"a function exists":            {one(`env = { A = uper("x") }`), "process.web.env.A", `Did you mean "upper"?`},
		"other keys do not refer":      {one(`cpu = port.http`), "process.web.cpu", "only command, args, env and a file's content may refer"},
		"two processes have two names": {app("process \"x\" { command = [\"a\"] }\nprocess \"x\" { command = [\"a\"] }"), "process.x", "second process"},
		"a process has a command":      {app(`process "x" {}`), "process.x.command", "has no command"},
		"a command is a list":          {app(`process "x" { command = "./a -b" }`), "process.x.command", `Write command = ["./a", "-b"]`},
		"a program is named":           {app(`process "x" { command = [""] }`), "process.x.command", "is empty"},
		"a program is no reference":    {app(`process "x" { command = ["${alloc.id}"] }`), "process.x.command", "can't be a reference"},
		"a program stays inside":       {app(`process "x" { command = ["../a"] }`), "process.x.command", "outside of the artifact"},
		"a worker has no port":         {app(`process "x" { command = ["a", "${port.http}"] }`), "process.x.command", "no such port"},
		"a route wants a port":         {app("process \"x\" {\ncommand = [\"a\"]\nroute \"a.b/\" {}\n}"), "process.x.route.a.b/.port", "the process has none"},
		"shared env suits all":         {app("env = { A = \"${port.http}\" }\nprocess \"x\" { command = [\"a\"] }"), "env.A", `process "x" as well, which has no port "http"`},
		"an app has a name":            {strings.Replace(one(""), `"a"`, `"My App"`, 1), "app", "lower-case"},
		"a mistyped process is one":    {app(`procss "x" { command = ["a"] }`), "procss", `Did you mean "process"?`},
		"a mistyped command is one":    {app(`process "x" { comand = ["a"] }`), "process.x.comand", `Did you mean "command"?`},
		"an app has a process":         {`app "a" {}`, "app", "has no process"},
		"a file has an app":            {`# nothing`, "app", "no app block"},
		"a file has one app":           {one("") + `app "b" {}`, "app", "one app"},
		"builders have names":          {app("build { builder = \"rust\" }\nprocess \"x\" { command = [\"a\"] }"), "build.builder", `"go", "static" or "none"`},
		"main is for go":               {app("build {\nbuilder = \"none\"\nmain = \"./x\"\n}\nprocess \"x\" { command = [\"a\"] }"), "build.main", "only"},
		"main is below the source":     {app("build { main = \"./../x\" }\nprocess \"x\" { command = [\"a\"] }"), "build.main", "below the source"},
		"dir is not for go":            {app("build { dir = \"x\" }\nprocess \"x\" { command = [\"a\"] }"), "build.dir", "only"},
		"dir is below the source":      {app("build {\nbuilder = \"static\"\ndir = \"/etc\"\n}"), "build.dir", "inside the source"},
		"a static site has a port":     {app("build { builder = \"static\" }\nprocess \"web\" {}"), "process.web.command", "exactly one port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, diags := spec.Parse([]byte(c.src), "crumpet.hcl")
			faults := spec.Faults(diags)
			if s != nil || len(faults) != 1 || faults[0].Location != c.location || !strings.Contains(faults[0].Message, c.want) {
				t.Errorf("got %+v, want one fault at %s with %q", faults, c.location, c.want)
			}
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Start.Line < 1 {
					t.Errorf("%s: no range", d.Detail)
				}
			}
		})
	}
}

func TestSyntaxErrorsHideNoOtherFaults(t *testing.T) {
	t.Parallel()
	_, diags := spec.Parse([]byte("app \"a\" {\n  process \"web\" {\n    memroy = 1\n    cpu = = 3\n    instances = 5000\n  }\n}\n"), "crumpet.hcl")
	var lines []int
	for _, d := range diags {
		lines = append(lines, d.Subject.Start.Line)
	}
	if !slices.Equal(lines, []int{3, 4, 5}) {
		t.Errorf("faults in lines %v, want 3, 4 and 5, and none about what the syntax error took away: %v", lines, spec.Faults(diags))
	}
	if err := spec.Err(diags); paas.CodeOf(err) != paas.Invalid || len(paas.FaultsOf(err)) != 3 {
		t.Errorf("the error is %v with %d faults", err, len(paas.FaultsOf(err)))
	}
}

func TestSourcesThatNestTooDeepAreRefused(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"brackets":  "a = " + strings.Repeat("[", 10_000),
		"templates": "a = " + strings.Repeat(`"${`, 10_000),
		"signs":     "a = " + strings.Repeat("-", 10_000),
		"choices":   "a = " + strings.Repeat("a?", 10_000),
		"maps":      "a = " + strings.Repeat("{a:", 10_000),
		"closed":    "a = " + strings.Repeat("}", 10_000) + strings.Repeat("[", 10_000),
		"length":    strings.Repeat("# long\n", 200_000),
	} {
		_, diags := spec.Parse([]byte(src), "crumpet.hcl")
		if len(diags) != 1 || diags[0].Summary != "App spec too large" {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

func TestParseFileSaysThatThereIsNoFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), spec.FileName)
	if _, _, diags := spec.ParseFile(path, spec.Options{}); len(diags) != 1 || !strings.Contains(diags[0].Detail, "There is no file "+path) {
		t.Errorf("got %v", diags)
	}
	if err := os.WriteFile(path, []byte(one("")), 0o600); err != nil {
		t.Fatal(err)
	}
	s, src, diags := spec.ParseFile(path, spec.Options{})
	if diags.HasErrors() || s.App != "a" || string(src) != one("") {
		t.Errorf("got %+v, %q, %v", s, src, diags)
	}
}

func FuzzParse(f *testing.F) {
	sources(f)
	f.Fuzz(func(t *testing.T, src string) {
		for _, environment := range []string{"", "staging", "prod"} {
			parsed(t, src, environment)
		}
	})
}

// parsed demands of any source what must hold of every spec.
func parsed(t *testing.T, src, environment string) {
	t.Helper()
	s, diags := spec.ParseWith([]byte(src), spec.Options{
		Filename: "crumpet.hcl", Environment: environment,
		Variables: []spec.Variable{{Name: "greeting", Value: "hi", Origin: "CRUMPET_VAR_greeting"}, {Name: "list", Value: `["a"]`, Origin: "CRUMPET_VAR_list"}},
	})
	spec.Text(diags, map[string][]byte{"crumpet.hcl": []byte(src)}, 80, true)
	if (s == nil) != diags.HasErrors() {
		t.Fatalf("spec %+v with %v", s, diags)
	}
	if s == nil {
		return
	}
	if faults := spec.Validate(*s); len(faults) > 0 {
		t.Fatalf("an accepted spec has faults: %+v", faults)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var again paas.Spec
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*s, again); diff != "" || s.Digest() != again.Digest() {
		t.Fatalf("the spec changed on its way through JSON:\n%s", diff)
	}
}
