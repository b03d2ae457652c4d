package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func (d *decoder) app(b *hclsyntax.Block) paas.Spec {
	root := place{}
	d.ranges["app"] = b.DefRange()
	s := paas.Spec{App: d.named(placed("app", "app"), b)}
	c := d.read(root, b.Body, appSchema)
	s.Build = d.build(c.one("build"))
	deploy, where := c.one("deploy"), c.one("placement")
	s.Deploy = once(d, placed("deploy", "deploy"), deploy, "", func() paas.Deploy { return d.deploy(deploy) })
	here := placed("placement", "placement")
	s.Placement = once(d, here, where, "", func() paas.Placement { return d.placement(here, where, *appSchema.blocks["placement"].body) })
	strategy := paas.Rolling // of processes, for which all others are the same
	if s.Deploy.Strategy == paas.StopFirst {
		strategy = paas.StopFirst
	}
	for i, p := range c.blocks["process"] {
		at := root.block("process", i, label(p))
		inherited, ok := d.reroute(at, p, strategy)
		if !ok {
			inherited = once(d, at, p, strategy, func() paas.Process { return d.process(at, p, strategy) })
		}
		s.Processes = append(s.Processes, inherited)
	}
	for i, t := range c.blocks["task"] {
		at := root.block("task", i, label(t))
		s.Tasks = append(s.Tasks, once(d, at, t, "", func() paas.Task { return d.task(at, t) }))
	}
	for i, t := range c.blocks["cron"] {
		at := root.block("cron", i, label(t))
		s.Crons = append(s.Crons, once(d, at, t, "", func() paas.Cron { return d.cron(at, t) }))
	}
	if s.Build.Builder == paas.BuilderStatic && len(s.Processes) == 0 && !d.partial {
		s.Processes = []paas.Process{staticSite(s.Deploy.Strategy)}
	}
	for i, b := range c.blocks["secret"] {
		s.Secrets = append(s.Secrets, d.secret(root.block("secret", i, label(b)), b))
	}
	s.Services = d.services(root, c.blocks["service"], s.App)
	s.Env = d.env(root.attr("env"), c.attrs["env"], shared(s))
	return s
}

// staticSite is the process of an app that has only files.
func staticSite(strategy paas.Strategy) paas.Process {
	web := process(paas.ProcessWeb, strategy)
	web.Program = program()
	web.Ports = []paas.Port{{Name: "http"}}
	return web
}

func (d *decoder) build(b *hclsyntax.Block) paas.Build {
	build := paas.Build{Builder: paas.BuilderGo}
	if b == nil {
		return build
	}
	at := placed("build", "build")
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, buildSchema)
	word(d, at.attr("builder"), c.attrs["builder"], &build.Builder, "builder", builders)
	if d.broken["build.builder"] {
		d.broken["build.main"], d.broken["build.dir"] = true, true // which of them fits is not known
	}
	d.text(at.attr("main"), c.attrs["main"], &build.Main)
	d.text(at.attr("dir"), c.attrs["dir"], &build.Dir)
	if build.Dir == "." && build.Builder == paas.BuilderGo {
		build.Dir = "" // the source itself, which it always is
	}
	if build.Dir == "" && !d.broken["build.dir"] && (build.Builder == paas.BuilderStatic || build.Builder == paas.BuilderNone) {
		build.Dir = "."
	}
	return build
}

// process gives a process with every default but those of its program. An app that stops first does
// so with each of its processes.
func process(name string, strategy paas.Strategy) paas.Process {
	p := paas.Process{
		Name:          name,
		Instances:     paas.DefaultInstances,
		Startup:       paas.DefaultStartup,
		Reschedule:    paas.Reschedule{Delay: paas.DefaultReschedule, MaxDelay: paas.DefaultMaxReschedule},
		Restart:       paas.Restart{Attempts: paas.DefaultRestarts, Delay: paas.DefaultRestartDelay},
		ShutdownDelay: paas.DefaultShutdownDelay,
		MinHealthy:    paas.DefaultMinHealthy,
		Strategy:      paas.Rolling,
	}
	if strategy == paas.StopFirst {
		p.Strategy = paas.StopFirst
	}
	return p
}

func (d *decoder) process(at place, b *hclsyntax.Block, strategy paas.Strategy) paas.Process {
	p := process(d.named(at, b), strategy)
	c := d.read(at, b.Body, processSchema.named(p.Name))
	for i, port := range c.blocks["port"] {
		p.Ports = append(p.Ports, d.port(at.block("port", i, label(port)), port))
	}
	ports := distinct(p.Ports)
	p.Program = d.program(at, c, ports)
	for i, route := range c.blocks["route"] {
		p.Routes = append(p.Routes, d.route(at, i, route, ports))
	}
	for i, sidecar := range c.blocks["sidecar"] {
		p.Sidecars = append(p.Sidecars, d.sidecar(at.block("sidecar", i, label(sidecar)), sidecar, ports))
	}
	p.Health = d.health(at.attr("health"), c.one("health"), ports)
	p.Placement = d.placement(at.attr("placement"), c.one("placement"), *processSchema.blocks["placement"].body)
	fragments := d.fragments(at, c.one("nomad"), processSchema)
	p.NomadGroup, p.NomadTask = fragments["group"], fragments["task"]
	for i, b := range c.blocks["volume"] {
		p.Volumes = append(p.Volumes, d.volume(at.block("volume", i, label(b)), b))
	}
	d.life(at, c, &p)
	return p
}

// life reads how instances come and go.
func (d *decoder) life(at place, c contents, p *paas.Process) {
	d.number(at.attr("instances"), c.attrs["instances"], &p.Instances)
	d.memory(at.attr("disk"), c.attrs["disk"], &p.Disk)
	if p.Disk == nomadDisk {
		p.Disk = 0 // the same for Nomad, and so the same digest
	}
	d.duration(at.attr("startup"), c.attrs["startup"], &p.Startup)
	d.duration(at.attr("shutdown_delay"), c.attrs["shutdown_delay"], &p.ShutdownDelay)
	d.duration(at.attr("min_healthy"), c.attrs["min_healthy"], &p.MinHealthy)
	own := p.Strategy
	word(d, at.attr("strategy"), c.attrs["strategy"], &own, "strategy of a process", processStrategies)
	if own == paas.StopFirst || len(p.Volumes) > 0 && c.attrs["strategy"] == nil {
		p.Strategy = paas.StopFirst
	}
	if b := c.one("restart"); b != nil {
		here := d.stands(at.attr("restart"), b)
		c := d.read(here, b.Body, *processSchema.blocks["restart"].body)
		d.number(here.attr("attempts"), c.attrs["attempts"], &p.Restart.Attempts)
		d.duration(here.attr("delay"), c.attrs["delay"], &p.Restart.Delay)
	}
	if b := c.one("reschedule"); b != nil {
		here := d.stands(at.attr("reschedule"), b)
		c := d.read(here, b.Body, *processSchema.blocks["reschedule"].body)
		d.duration(here.attr("delay"), c.attrs["delay"], &p.Reschedule.Delay)
		d.duration(here.attr("max_delay"), c.attrs["max_delay"], &p.Reschedule.MaxDelay)
	}
}

func (d *decoder) port(at place, b *hclsyntax.Block) paas.Port {
	p := paas.Port{Name: d.named(at, b)}
	c := d.read(at, b.Body, processSchema.blocks["port"].body.named(p.Name))
	word(d, at.attr("protocol"), c.attrs["protocol"], &p.Protocol, "protocol of a port", protocols)
	if p.Protocol == paas.HTTP {
		p.Protocol = "" // as if it were not said, also for the digest
	}
	if d.broken[at.attr("protocol").key()] {
		p.Protocol = unknownProtocol
	}
	return p
}

// unknownProtocol is that of a port whose own was a mistake: nothing is said of what needs one.
const unknownProtocol paas.Protocol = "?"

var protocols = []paas.Protocol{paas.HTTP, paas.H2C, paas.GRPC, paas.TCP, paas.UDP}

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
	c := d.read(at, b.Body, processSchema.blocks["route"].body.named(given))
	r.Port = pick(ports, routable)
	d.text(at.attr("port"), c.attrs["port"], &r.Port)
	return r
}

// routable says whether a route can lead to a port.
func routable(p paas.Port) bool { return protocol(p) == paas.HTTP }

// shared gives the ports that everything in the app has: those that its env may refer to.
func shared(s paas.Spec) []paas.Port {
	if len(s.Processes) == 0 || len(s.Tasks)+len(s.Crons) > 0 {
		return nil
	}
	ports := distinct(s.Processes[0].Ports)
	for _, p := range s.Processes[1:] {
		ports = slices.DeleteFunc(ports, func(port paas.Port) bool {
			_, ok := p.Port(port.Name)
			return !ok
		})
	}
	return ports
}
