package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// file reads the one app block of a file.
func (d *decoder) file(body *hclsyntax.Body) paas.Spec {
	whole := body.MissingItemRange()
	c := d.read(place{}, body, fileSchema)
	apps := c.blocks["app"]
	if len(apps) == 0 {
		if !d.partial && !d.broken["app"] {
			d.report(place{location: "app"}, whole, "App missing", "The file has no app block. Write app \"NAME\" { ... }.")
		}
		return paas.Spec{}
	}
	for _, extra := range apps[1:] {
		d.report(place{location: "app"}, extra.DefRange(), "Block repeated",
			fmt.Sprintf("A file holds one app, and the first is in line %d. Give each app a folder and a file of its own.", apps[0].DefRange().Start.Line))
	}
	s := d.app(apps[0])
	d.check(s, apps[0].DefRange())
	return s
}

func (d *decoder) app(b *hclsyntax.Block) paas.Spec {
	root := place{}
	d.ranges["app"] = b.DefRange()
	s := paas.Spec{Deploy: paas.DefaultDeploy(), App: d.named(place{"app", "app"}, b)}
	c := d.read(root, b.Body, appSchema)
	s.Build = d.build(c.one("build"))
	static := s.Build.Builder == paas.BuilderStatic
	for i, p := range c.blocks["process"] {
		s.Processes = append(s.Processes, d.process(root.block("process", i, label(p)), p))
	}
	if static && len(s.Processes) == 0 && !d.partial {
		web := process(paas.ProcessWeb)
		web.Ports = []paas.Port{{Name: "http"}}
		s.Processes = []paas.Process{web}
	}
	s.Env = d.env(root.attr("env"), c.attrs["env"], shared(s.Processes))
	return s
}

func (d *decoder) build(b *hclsyntax.Block) paas.Build {
	build := paas.Build{Builder: paas.BuilderGo}
	if b == nil {
		return build
	}
	at := place{"build", "build"}
	d.ranges[at.key] = b.DefRange()
	c := d.read(at, b.Body, buildSchema)
	if d.text(at.attr("builder"), c.attrs["builder"], (*string)(&build.Builder)) && !slices.Contains(builders, string(build.Builder)) {
		d.fault(at.attr("builder"), c.attrs["builder"].Expr.Range(), "Unknown builder", "There is no builder %q.%s The builders are %s.",
			build.Builder, suggest(string(build.Builder), builders), list(builders))
		d.broken["build.main"], d.broken["build.dir"] = true, true // which of them fits is not known
	}
	d.text(at.attr("main"), c.attrs["main"], &build.Main)
	d.text(at.attr("dir"), c.attrs["dir"], &build.Dir)
	if build.Dir == "" && !d.broken["build.dir"] && (build.Builder == paas.BuilderStatic || build.Builder == paas.BuilderNone) {
		build.Dir = "."
	}
	return build
}

// program gives a program with every default.
func program() paas.Program {
	return paas.Program{
		CPU: paas.DefaultCPU, Memory: paas.DefaultMemory, KillTimeout: paas.DefaultKillTimeout, KillSignal: paas.DefaultKillSignal,
		Logs: paas.Logs{MaxFiles: paas.DefaultLogFiles, MaxSize: paas.DefaultLogSize},
	}
}

// process gives a process with every default.
func process(name string) paas.Process {
	return paas.Process{
		Name:          name,
		Instances:     paas.DefaultInstances,
		Program:       program(),
		Startup:       paas.DefaultStartup,
		Reschedule:    paas.Reschedule{Delay: paas.DefaultReschedule, MaxDelay: paas.DefaultMaxReschedule},
		Restart:       paas.Restart{Attempts: paas.DefaultRestarts, Delay: paas.DefaultRestartDelay},
		ShutdownDelay: paas.DefaultShutdownDelay,
		MinHealthy:    paas.DefaultMinHealthy,
		Strategy:      paas.Rolling,
	}
}

func (d *decoder) process(at place, b *hclsyntax.Block) paas.Process {
	p := process(d.named(at, b))
	c := d.read(at, b.Body, processSchema.of(p.Name))
	d.number(at.attr("instances"), c.attrs["instances"], &p.Instances)
	d.number(at.attr("cpu"), c.attrs["cpu"], &p.CPU)
	d.memory(at.attr("memory"), c.attrs["memory"], &p.Memory)
	d.duration(at.attr("startup"), c.attrs["startup"], &p.Startup)
	d.duration(at.attr("shutdown_delay"), c.attrs["shutdown_delay"], &p.ShutdownDelay)
	d.duration(at.attr("kill_timeout"), c.attrs["kill_timeout"], &p.KillTimeout)
	d.duration(at.attr("min_healthy"), c.attrs["min_healthy"], &p.MinHealthy)
	d.strategy(at.attr("strategy"), c.attrs["strategy"], &p.Strategy)
	if r := c.one("restart"); r != nil {
		d.restart(at.attr("restart"), r, &p.Restart)
	}
	for i, port := range c.blocks["port"] {
		p.Ports = append(p.Ports, d.port(at, i, port))
	}
	ports := distinct(p.Ports)
	for i, route := range c.blocks["route"] {
		p.Routes = append(p.Routes, d.route(at, i, route, ports))
	}
	p.Health.Readiness = d.health(at.attr("health"), c.one("health"), ports)
	p.Command = d.command(at.attr("command"), c.attrs["command"], ports)
	p.Env = d.env(at.attr("env"), c.attrs["env"], ports)
	return p
}

func (d *decoder) strategy(at place, a *hclsyntax.Attribute, s *paas.Strategy) {
	given := string(*s)
	if !d.text(at, a, &given) {
		return
	}
	if !slices.Contains(strategies, given) {
		d.fault(at, a.Expr.Range(), "Unknown strategy", "There is no strategy %q.%s The strategies are %s.", given, suggest(given, strategies), list(strategies))
		return
	}
	*s = paas.Strategy(given)
}

func (d *decoder) restart(at place, b *hclsyntax.Block, r *paas.Restart) {
	d.ranges[at.key] = b.DefRange()
	c := d.read(at, b.Body, restartSchema)
	d.number(at.attr("attempts"), c.attrs["attempts"], &r.Attempts)
	d.duration(at.attr("delay"), c.attrs["delay"], &r.Delay)
}

func (d *decoder) port(process place, i int, b *hclsyntax.Block) paas.Port {
	at := process.block("port", i, label(b))
	name := d.named(at, b)
	d.read(at, b.Body, portSchema.of(name))
	return paas.Port{Name: name}
}

func (d *decoder) route(process place, i int, b *hclsyntax.Block, ports []paas.Port) paas.Route {
	given := label(b)
	r, problem := paas.ParseRoute(given)
	if problem != "" {
		r = paas.Route{Host: given} // so that what is said of its port names it
	}
	at := process.block("route", i, r.String())
	d.named(at, b)
	if problem != "" && len(b.Labels) > 0 {
		d.fault(at.label(), b.LabelRanges[0], "Bad route", "%s", problem)
	}
	c := d.read(at, b.Body, routeSchema.of(given))
	r.Port = only(ports)
	d.text(at.attr("port"), c.attrs["port"], &r.Port)
	return r
}

func (d *decoder) health(at place, b *hclsyntax.Block, ports []paas.Port) *paas.Probe {
	if b == nil {
		return nil
	}
	d.ranges[at.key] = b.DefRange()
	c := d.read(at, b.Body, healthSchema)
	h := paas.Probe{Type: paas.ProbeHTTP, Path: "/", Port: only(ports), Interval: paas.DefaultCheckInterval, Timeout: paas.DefaultCheckTimeout}
	d.text(at.attr("path"), c.attrs["path"], &h.Path)
	d.text(at.attr("port"), c.attrs["port"], &h.Port)
	d.duration(at.attr("interval"), c.attrs["interval"], &h.Interval)
	d.duration(at.attr("timeout"), c.attrs["timeout"], &h.Timeout)
	return &h
}

// distinct gives the ports that have a name, each once: a port that is wrong has its own diagnostic,
// and no other need follow from it.
func distinct(ports []paas.Port) []paas.Port {
	var names []paas.Port
	for _, p := range ports {
		if p.Name != "" && !slices.Contains(names, p) {
			names = append(names, p)
		}
	}
	return names
}

// only gives the name of the only port, or "".
func only(ports []paas.Port) string {
	if len(ports) != 1 {
		return ""
	}
	return ports[0].Name
}

// shared gives the ports that every process has: those that the app's env may refer to.
func shared(processes []paas.Process) []paas.Port {
	if len(processes) == 0 {
		return nil
	}
	ports := distinct(processes[0].Ports)
	for _, p := range processes[1:] {
		ports = slices.DeleteFunc(ports, func(port paas.Port) bool { return !slices.Contains(p.Ports, port) })
	}
	return ports
}

func (d *decoder) command(at place, a *hclsyntax.Attribute, ports []paas.Port) []paas.Value {
	if a == nil {
		return nil
	}
	list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		d.fault(at, a.Expr.Range(), "List expected", `The command is a list of the program and its arguments. Write command = ["./hello", "-flag"].`)
		return nil
	}
	var command []paas.Value
	for i, item := range list.Exprs {
		arg := place{fmt.Sprintf("%s.%d", at.key, i), at.location}
		d.ranges[arg.key] = item.Range()
		command = append(command, d.value(arg, item, ports))
	}
	return command
}
