package spec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// nasty are the runes that a text could break the language with.
var nasty = []rune{'a', 'Z', '0', ' ', '$', '$', '{', '}', '%', '%', '"', '\\', '\n', '\t', '\r', '~', '<', '#', '/', '\'', 'é', '\u2028', '\u0001', '\ue0c0', '😀'}

func drawText(t *rapid.T) string {
	return rapid.StringOfN(rapid.SampledFrom(nasty), 0, 12, -1).Draw(t, "text")
}

func drawName(t *rapid.T, prefix string, i int) string {
	return fmt.Sprintf("%s%d%s", prefix, i, rapid.SampledFrom([]string{"", "-x", "a"}).Draw(t, "suffix"))
}

func drawSpan(t *rapid.T, least, most time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(int64(least/time.Millisecond), int64(most/time.Millisecond)).Draw(t, "ms")) * time.Millisecond
}

// drawValue draws a text with references, as Parse would give it: no literals beside each other.
func drawValue(t *rapid.T, ports []paas.Port) paas.Value {
	var v paas.Value
	for range rapid.IntRange(0, 4).Draw(t, "parts") {
		refs := []paas.Ref{{Kind: paas.RefAllocID}, {Kind: paas.RefAllocIndex}}
		for _, p := range ports {
			refs = append(refs, paas.Ref{Kind: paas.RefPort, Name: p.Name}, paas.Ref{Kind: paas.RefHost, Name: p.Name})
		}
		if text := drawText(t); rapid.Bool().Draw(t, "literal") && text != "" && (len(v) == 0 || v[len(v)-1].Ref != nil) {
			v = append(v, paas.Part{Text: text})
			continue
		}
		ref := rapid.SampledFrom(refs).Draw(t, "ref")
		v = append(v, paas.Part{Ref: &ref})
	}
	if len(v) == 0 {
		return paas.Literal("")
	}
	return v
}

func drawEnv(t *rapid.T, ports []paas.Port) map[string]paas.Value {
	var env map[string]paas.Value
	for i := range rapid.IntRange(0, 3).Draw(t, "env") {
		if env == nil {
			env = map[string]paas.Value{}
		}
		env[fmt.Sprintf("E_%d", i)] = drawValue(t, ports)
	}
	return env
}

func drawFragment(t *rapid.T, field string) paas.Fragment {
	if !rapid.Bool().Draw(t, "fragment") {
		return nil
	}
	b, err := json.Marshal(map[string]any{field: map[string]string{"k": drawText(t), "for": "x", "a b": ""}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drawProgram(t *rapid.T, ports []paas.Port) paas.Program {
	p := paas.Program{
		Command: []paas.Value{paas.Literal("./run")}, CPU: rapid.SampledFrom([]int{paas.DefaultCPU, 7}).Draw(t, "cpu"),
		Memory: rapid.SampledFrom([]int{paas.DefaultMemory, 77}).Draw(t, "memory"), User: rapid.SampledFrom([]string{"", "nobody"}).Draw(t, "user"),
		WorkingDir: rapid.SampledFrom([]string{"", "sub/dir"}).Draw(t, "dir"), Env: drawEnv(t, ports),
		Logs:       paas.Logs{MaxFiles: rapid.SampledFrom([]int{paas.DefaultLogFiles, 2}).Draw(t, "files"), MaxSize: rapid.SampledFrom([]int{paas.DefaultLogSize, 3}).Draw(t, "size")},
		KillSignal: rapid.SampledFrom([]string{paas.DefaultKillSignal, "SIGINT"}).Draw(t, "signal"), KillTimeout: drawSpan(t, 0, paas.MaxKillTimeout),
		NomadTask: drawFragment(t, "Meta"),
	}
	if rapid.Bool().Draw(t, "cores") {
		p.CPU, p.Cores = 0, 2
	}
	if rapid.Bool().Draw(t, "more") {
		p.MemoryMax = p.Memory + 100
	}
	for range rapid.IntRange(0, 3).Draw(t, "args") {
		p.Command = append(p.Command, drawValue(t, ports))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "configs") {
		f := paas.ConfigFile{Path: fmt.Sprintf("conf/f %d.conf", i), Mode: rapid.SampledFrom([]string{"0644", "0600"}).Draw(t, "mode"), Change: paas.ChangeNoop}
		if rapid.Bool().Draw(t, "template") {
			f.Template = "x" + drawText(t)
			if rapid.Bool().Draw(t, "change") {
				f.Change, f.Signal = paas.ChangeSignal, "SIGHUP"
			}
		} else {
			f.Content = drawValue(t, ports)
		}
		p.Files = append(p.Files, f)
	}
	return p
}

func drawProbe(t *rapid.T, ports []paas.Port, failures ...int) *paas.Probe {
	if !rapid.Bool().Draw(t, "probe") {
		return nil
	}
	p := &paas.Probe{Interval: drawSpan(t, time.Second, time.Minute), Timeout: drawSpan(t, time.Second, time.Minute), Failures: rapid.SampledFrom(append(failures, 0)).Draw(t, "failures")}
	port := rapid.SampledFrom(ports).Draw(t, "port")
	switch p.Type = paas.ProbeExec; port.Protocol {
	case "":
		p.Type, p.Port, p.Path = paas.ProbeHTTP, port.Name, "/up"
	case paas.GRPC, paas.H2C:
		p.Type, p.Port, p.Service = paas.ProbeGRPC, port.Name, rapid.SampledFrom([]string{"", "a.B"}).Draw(t, "service")
	case paas.TCP, paas.HTTP:
		p.Type, p.Port = paas.ProbeTCP, port.Name
	case paas.UDP:
		p.Command = []string{"./check", strings.ReplaceAll(drawText(t), "${", "")}
		if len(failures) == 1 { // of readiness, which counts none of a program's
			p.Failures = 0
		}
	}
	return p
}

func drawPlacement(t *rapid.T, whole bool) paas.Placement {
	p := paas.Placement{DistinctHosts: rapid.Bool().Draw(t, "distinct")}
	if whole && rapid.Bool().Draw(t, "pool") {
		p.Pool, p.Datacenters = "big", []string{"dc1", "dc2"}
	}
	c := paas.Constraint{Attribute: "meta.rack", Operator: rapid.SampledFrom([]string{"=", "!=", "regexp"}).Draw(t, "operator"), Value: "r1"}
	if rapid.Bool().Draw(t, "constraint") {
		p.Constraints = append(p.Constraints, c)
	}
	if rapid.Bool().Draw(t, "affinity") {
		p.Affinities = append(p.Affinities, paas.Affinity{Constraint: c, Weight: rapid.SampledFrom([]int{50, -7}).Draw(t, "weight")})
	}
	if rapid.Bool().Draw(t, "spread") {
		p.Spreads = append(p.Spreads, paas.Spread{Attribute: "node.datacenter", Weight: 100, Targets: []paas.Target{{Value: "dc1", Percent: 40}}})
	}
	return p
}

func drawProcess(t *rapid.T, i int, d paas.Deploy) paas.Process {
	p := paas.Process{
		Name: drawName(t, "p", i), Instances: rapid.IntRange(0, 5).Draw(t, "instances"),
		Startup: drawSpan(t, time.Minute, time.Hour), MinHealthy: drawSpan(t, 0, 20*time.Second), ShutdownDelay: drawSpan(t, 0, 10*time.Minute),
		Restart:    paas.Restart{Attempts: rapid.IntRange(0, 5).Draw(t, "attempts"), Delay: drawSpan(t, time.Second, time.Minute)},
		Reschedule: paas.Reschedule{Delay: drawSpan(t, 5*time.Second, time.Minute), MaxDelay: drawSpan(t, time.Minute, 5*time.Minute)},
		Strategy:   rapid.SampledFrom([]paas.Strategy{paas.Rolling, paas.StopFirst}).Draw(t, "strategy"),
		Placement:  drawPlacement(t, false), NomadGroup: drawFragment(t, "Meta"),
	}
	if p.Volumes = drawVolumes(t); d.Strategy == paas.StopFirst || len(p.Volumes) > 0 {
		p.Strategy = paas.StopFirst
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "ports") {
		p.Ports = append(p.Ports, paas.Port{Name: drawName(t, "o", i), Protocol: rapid.SampledFrom([]paas.Protocol{"", paas.H2C, paas.GRPC, paas.TCP, paas.UDP}).Draw(t, "protocol")})
	}
	for j, port := range p.Ports {
		if port.Protocol == "" && rapid.Bool().Draw(t, "route") {
			p.Routes = append(p.Routes, paas.Route{Host: fmt.Sprintf("r%d.example.com", i), Path: fmt.Sprintf("/p%d/", j), Port: port.Name})
		}
	}
	if len(p.Ports) > 0 {
		p.Health = paas.Probes{Startup: drawProbe(t, p.Ports), Readiness: drawProbe(t, p.Ports, 2), Liveness: drawProbe(t, p.Ports, 2, paas.DefaultFailures)}
	}
	p.Program = drawProgram(t, p.Ports)
	for i := range rapid.IntRange(0, 1).Draw(t, "sidecars") {
		p.Sidecars = append(p.Sidecars, paas.Sidecar{Name: drawName(t, "s", i), Program: drawProgram(t, p.Ports)})
	}
	return p
}

func drawDeploy(t *rapid.T) paas.Deploy {
	d := paas.DefaultDeploy()
	if rapid.Bool().Draw(t, "plain") {
		return d
	}
	d.Strategy = rapid.SampledFrom([]paas.Strategy{paas.Rolling, paas.Canary, paas.BlueGreen, paas.StopFirst}).Draw(t, "walk")
	d.Room = rapid.SampledFrom([]paas.Room{paas.RoomSurge, paas.RoomStopFirst, paas.RoomAsk}).Draw(t, "room")
	d.Unrouted = rapid.SampledFrom([]paas.Unrouted{paas.UnroutedFollow, paas.UnroutedSwitch}).Draw(t, "unrouted")
	d.Revert, d.Deadline = rapid.Bool().Draw(t, "revert"), drawSpan(t, 2*time.Hour, 10*time.Hour)
	switch d.Strategy {
	case paas.Canary:
		d.Canary = paas.CanaryPolicy{Instances: rapid.IntRange(1, 3).Draw(t, "canaries"), Traffic: rapid.SampledFrom([][]int{{5, 25, 50}, {1}}).Draw(t, "traffic"), Hold: drawSpan(t, time.Second, time.Minute), Manual: rapid.Bool().Draw(t, "manual"), Margin: rapid.IntRange(0, 100).Draw(t, "margin")}
	case paas.BlueGreen:
		d.Warm = drawSpan(t, 0, time.Hour)
	case paas.Rolling, paas.StopFirst:
		d.Surge = rapid.SampledFrom([]paas.Amount{{Percent: 25}, {Percent: 100}, {Count: 3}}).Draw(t, "surge")
	}
	return d
}

// drawSpec draws a spec of every key there is.
func drawSpec(t *rapid.T) paas.Spec {
	s := paas.Spec{App: "shop", Build: rapid.SampledFrom([]paas.Build{
		{Builder: paas.BuilderGo}, {Builder: paas.BuilderGo, Main: "./cmd/x"}, {Builder: paas.BuilderNone, Dir: "."}, {Builder: paas.BuilderNone, Dir: "out"},
	}).Draw(t, "build"), Deploy: drawDeploy(t), Placement: drawPlacement(t, true), Env: drawEnv(t, nil), Secrets: drawSecrets(t)}
	if s.Services = drawServices(t); rapid.Bool().Draw(t, "no services") {
		s.Services = nil
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "processes") {
		s.Processes = append(s.Processes, drawProcess(t, i, s.Deploy))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "tasks") {
		s.Tasks = append(s.Tasks, paas.Task{
			Name: drawName(t, "t", i), Program: drawProgram(t, nil), Phase: rapid.SampledFrom([]paas.Phase{paas.PhaseManual, paas.PhaseBefore, paas.PhaseAfter}).Draw(t, "phase"),
			Attempts: rapid.IntRange(0, 2).Draw(t, "attempts"), Timeout: drawSpan(t, time.Second, time.Hour),
		})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "crons") {
		s.Crons = append(s.Crons, paas.Cron{
			Name: drawName(t, "c", i), Program: drawProgram(t, nil), Schedule: "*/5 1 * * *", TimeZone: rapid.SampledFrom([]string{"UTC", "Europe/Berlin"}).Draw(t, "zone"),
			Overlap: rapid.Bool().Draw(t, "overlap"), Attempts: rapid.IntRange(0, 2).Draw(t, "attempts"), Timeout: drawSpan(t, time.Second, time.Hour),
		})
	}
	return s
}

// again parses what Print wrote, and wants the same spec and what Format would write.
func again(tb interface {
	Helper()
	Fatalf(string, ...any)
}, s paas.Spec,
) {
	tb.Helper()
	printed := spec.Print(s)
	got, diags := spec.Parse(printed, "printed.hcl")
	if diags.HasErrors() {
		tb.Fatalf("what Print wrote has faults:\n%s", spec.Text(diags, map[string][]byte{"printed.hcl": printed}, 0, false))
	}
	s.Environment = ""
	if diff := cmp.Diff(s, *got); diff != "" {
		tb.Fatalf("Print wrote another spec:\n%s\n%s", diff, printed)
	}
	if s.Digest() != got.Digest() {
		tb.Fatalf("the digest changed: %s", printed)
	}
	formatted, _ := spec.Format(printed, "printed.hcl")
	if diff := cmp.Diff(string(formatted), string(printed)); diff != "" {
		tb.Fatalf("Print's style is not Format's:\n%s", diff)
	}
}

func TestWhatPrintWritesIsTheSameSpec(t *testing.T) {
	t.Parallel()
	drawn, valid := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		drawn++
		if faults := spec.Validate(s); len(faults) > 0 {
			t.Skip(faults)
		}
		valid++
		again(t, s)
	})
	if valid*2 < drawn {
		t.Errorf("of %d specs only %d were valid", drawn, valid)
	}
}

func TestPrintLeavesOutDefaults(t *testing.T) {
	t.Parallel()
	const want = `app "hello" {
  process "web" {
    command = ["./hello", "$${x} ${port.http}"]

    port "http" {}
    route "hello.example.com/" {}
    health {}
  }
}
`
	s := parse(t, want)
	if diff := cmp.Diff(want, string(spec.Print(*s))); diff != "" {
		t.Error(diff)
	}
	again(t, *s)
}

func TestEveryGoldenSpecCanBePrinted(t *testing.T) {
	t.Parallel()
	again(t, *parse(t, spec.Reference))
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src, _, _ := strings.Cut(string(golden), "----\n")
		if s, _ := spec.ParseWith([]byte(src), options(t, src)); s != nil {
			again(t, *s)
		}
	}
}

// options reads the first line of a golden: # options: env=staging var.x=1 CRUMPET_VAR_y=2. A value
// is a JSON text where it holds blanks; file:NAME=TEXT is a file of variables.
func options(tb testing.TB, src string) spec.Options {
	tb.Helper()
	o := spec.Options{Filename: "crumpet.hcl"}
	line, _, _ := strings.Cut(src, "\n")
	rest, ok := strings.CutPrefix(line, "# options: ")
	for ok && rest != "" {
		name, after, _ := strings.Cut(rest, "=")
		value := after
		if strings.HasPrefix(after, `"`) {
			decoder := json.NewDecoder(strings.NewReader(after))
			if err := decoder.Decode(&value); err != nil {
				tb.Fatal(err)
			}
			rest = strings.TrimPrefix(after[decoder.InputOffset():], " ")
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		switch kind, label, _ := strings.Cut(name, "."); {
		case name == "env":
			o.Environment = value
		case kind == "var":
			o.Variables = append(o.Variables, spec.Variable{Name: label, Value: value, Origin: spec.OriginFlag})
		case strings.HasPrefix(name, spec.EnvPrefix):
			o.Variables = append(o.Variables, spec.Variable{Name: strings.TrimPrefix(name, spec.EnvPrefix), Value: value, Origin: name})
		case strings.HasPrefix(name, "file:"):
			o.VarFiles = append(o.VarFiles, spec.VarFile{Name: strings.TrimPrefix(name, "file:"), Text: value})
		default:
			tb.Fatalf("unknown option %q", name)
		}
	}
	return o
}
