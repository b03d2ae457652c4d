package spec

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Print writes a spec in the language, in canonical style and without what is a default. Parse gives
// the same spec again, but for the environment, whose name is part of the app's.
func Print(s paas.Spec) []byte {
	app := &printed{kind: "app", label: s.App, named: true}
	app.build(s.Build)
	app.env(s.Env)
	app.placement(s.Placement)
	app.deploy(s.Deploy)
	app.secrets(s.Secrets)
	app.services(s)
	for _, each := range s.Processes {
		app.process(each, s.Deploy.Strategy)
	}
	for _, each := range s.Tasks {
		app.task(each)
	}
	for _, each := range s.Crons {
		app.cron(each)
	}
	var b strings.Builder
	app.write(&b)
	return hclwrite.Format([]byte(b.String()))
}

// printed is a block as it is written: keys first, then blocks.
type printed struct {
	kind, label string
	named       bool
	keys        []string // NAME = VALUE
	blocks      []*printed
}

func (b *printed) write(w *strings.Builder) {
	w.WriteString(b.kind)
	if b.named {
		w.WriteString(" " + quote(b.label, false))
	}
	w.WriteString(" {")
	if len(b.keys)+len(b.blocks) > 0 {
		w.WriteString("\n")
	}
	for _, key := range b.keys {
		w.WriteString(key + "\n")
	}
	for i, inner := range b.blocks {
		alone := len(inner.keys)+len(inner.blocks) == 0
		if i > 0 && (!alone || !b.blocks[i-1].empty()) || i == 0 && len(b.keys) > 0 {
			w.WriteString("\n")
		}
		inner.write(w)
	}
	w.WriteString("}\n")
}

func (b *printed) empty() bool { return len(b.keys)+len(b.blocks) == 0 }

// block adds a block that stands even if it is empty.
func (b *printed) block(kind, label string) *printed {
	inner := &printed{kind: kind, label: label, named: true}
	b.blocks = append(b.blocks, inner)
	return inner
}

// one adds a block without a name.
func (b *printed) one(kind string) *printed {
	inner := &printed{kind: kind}
	b.blocks = append(b.blocks, inner)
	return inner
}

// some adds a block without a name unless it stays empty.
func (b *printed) some(kind string, fill func(*printed)) {
	inner := &printed{kind: kind}
	if fill(inner); !inner.empty() {
		b.blocks = append(b.blocks, inner)
	}
}

func (b *printed) key(name, value string) { b.keys = append(b.keys, name+" = "+value) }

// text adds a key unless it has its default, as do those below.
func (b *printed) text(name, value, standard string) {
	if value != standard {
		b.key(name, quote(value, false))
	}
}

func (b *printed) number(name string, n, standard int) {
	if n != standard {
		b.key(name, strconv.Itoa(n))
	}
}

func (b *printed) size(name string, n, standard int) {
	if n != standard {
		b.key(name, strconv.Quote(strconv.Itoa(n)+"MiB"))
	}
}

func (b *printed) span(name string, t, standard time.Duration) {
	if t != standard {
		b.key(name, strconv.Quote(paas.Span(t)))
	}
}

func (b *printed) truth(name string, is, standard bool) {
	if is != standard {
		b.key(name, strconv.FormatBool(is))
	}
}

func (b *printed) build(build paas.Build) {
	b.some("build", func(b *printed) {
		b.text("builder", string(build.Builder), string(paas.BuilderGo))
		b.text("main", build.Main, "")
		if build.Builder != paas.BuilderGo {
			b.text("dir", build.Dir, ".")
		}
	})
}

func (b *printed) env(env map[string]paas.Value) {
	if len(env) == 0 {
		return
	}
	lines := []string{"{"}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		lines = append(lines, fieldName(name)+" = "+template(env[name]))
	}
	b.key("env", strings.Join(append(lines, "}"), "\n"))
}

func (b *printed) program(p paas.Program) {
	if len(p.Command) > 0 {
		words := make([]string, len(p.Command))
		for i, word := range p.Command {
			words[i] = template(word)
		}
		b.key("command", "["+strings.Join(words, ", ")+"]")
	}
	if p.Cores != 0 {
		b.number("cores", p.Cores, 0)
	} else {
		b.number("cpu", p.CPU, paas.DefaultCPU)
	}
	b.size("memory", p.Memory, paas.DefaultMemory)
	b.size("memory_max", p.MemoryMax, 0)
	b.text("user", p.User, "")
	b.text("working_dir", p.WorkingDir, "")
	b.text("kill_signal", p.KillSignal, paas.DefaultKillSignal)
	b.span("kill_timeout", p.KillTimeout, paas.DefaultKillTimeout)
	b.env(p.Env)
}

// programBlocks are those of a program that stand after the keys of what it belongs to.
func (b *printed) programBlocks(p paas.Program, group paas.Fragment) {
	for _, f := range p.Files {
		file := b.block("file", f.Path)
		switch {
		case f.Template != "":
			file.text("template", f.Template, "")
		default:
			file.key("content", template(f.Content))
		}
		file.text("mode", f.Mode, defaultMode)
		file.text("change", string(f.Change), string(paas.ChangeNoop))
		file.text("signal", f.Signal, "")
	}
	b.some("logs", func(b *printed) {
		b.number("max_files", p.Logs.MaxFiles, paas.DefaultLogFiles)
		b.size("max_size", p.Logs.MaxSize, paas.DefaultLogSize)
	})
	b.some("nomad", func(b *printed) {
		b.fragment("group", group)
		b.fragment("task", p.NomadTask)
	})
}

func (b *printed) process(p paas.Process, strategy paas.Strategy) {
	standard := process(p.Name, strategy)
	if len(p.Volumes) > 0 {
		standard.Strategy = paas.StopFirst
	}
	inner := b.block("process", p.Name)
	inner.number("instances", p.Instances, standard.Instances)
	inner.program(p.Program)
	inner.size("disk", p.Disk, 0)
	inner.span("startup", p.Startup, standard.Startup)
	inner.span("min_healthy", p.MinHealthy, standard.MinHealthy)
	inner.span("shutdown_delay", p.ShutdownDelay, standard.ShutdownDelay)
	inner.text("strategy", string(p.Strategy), string(standard.Strategy))
	for _, port := range p.Ports {
		inner.block("port", port.Name).text("protocol", string(port.Protocol), "")
	}
	for _, route := range p.Routes {
		inner.block("route", route.String()).text("port", route.Port, only(p.Ports))
	}
	inner.health(p.Health, only(p.Ports))
	inner.volumes(p.Volumes)
	inner.programBlocks(p.Program, p.NomadGroup)
	for _, s := range p.Sidecars {
		sidecar := inner.block("sidecar", s.Name)
		sidecar.program(s.Program)
		sidecar.programBlocks(s.Program, nil)
	}
	inner.placement(p.Placement)
	inner.some("restart", func(b *printed) {
		b.number("attempts", p.Restart.Attempts, standard.Restart.Attempts)
		b.span("delay", p.Restart.Delay, standard.Restart.Delay)
	})
	inner.some("reschedule", func(b *printed) {
		b.span("delay", p.Reschedule.Delay, standard.Reschedule.Delay)
		b.span("max_delay", p.Reschedule.MaxDelay, standard.Reschedule.MaxDelay)
	})
}

// only gives the name of the only port, or "".
func only(ports []paas.Port) string {
	if len(ports) != 1 {
		return ""
	}
	return ports[0].Name
}

func (b *printed) task(t paas.Task) {
	inner := b.block("task", t.Name)
	inner.text("phase", string(t.Phase), string(paas.PhaseManual))
	inner.program(t.Program)
	inner.number("attempts", t.Attempts, 0)
	inner.span("timeout", t.Timeout, paas.DefaultTaskTimeout)
	inner.programBlocks(t.Program, nil)
}

func (b *printed) cron(c paas.Cron) {
	inner := b.block("cron", c.Name)
	inner.key("schedule", quote(c.Schedule, false))
	inner.text("time_zone", c.TimeZone, paas.DefaultTimeZone)
	inner.program(c.Program)
	inner.truth("overlap", c.Overlap, false)
	inner.number("attempts", c.Attempts, 0)
	inner.span("timeout", c.Timeout, paas.DefaultTaskTimeout)
	inner.programBlocks(c.Program, nil)
}
