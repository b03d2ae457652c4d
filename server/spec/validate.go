package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// flaw is one broken rule. absent says that something is not there: in a file with syntax errors it
// may only have been lost.
type flaw struct {
	summary, message string
	absent           bool
}

type report func(at place, f flaw)

func (r report) say(at place, summary, format string, args ...any) {
	r(at, flaw{summary: summary, message: fmt.Sprintf(format, args...)})
}

func (r report) missing(at place, summary, format string, args ...any) {
	r(at, flaw{summary: summary, message: fmt.Sprintf(format, args...), absent: true})
}

// Validate gives every fault of a spec, each with its key path. A spec that Parse gave has none.
func Validate(s paas.Spec) []paas.Fault {
	var faults []paas.Fault
	validate(s, func(at place, f flaw) {
		faults = append(faults, paas.Fault{Location: at.location, Message: f.message})
	})
	return faults
}

func validate(s paas.Spec, r report) {
	app := place{"app", "app"}
	if problem := paas.CheckName("app", s.App, paas.MaxApp); problem != "" {
		r.say(app.label(), "Bad name", "%s", problem)
	}
	validateBuild(s.Build, r)
	switch n := len(s.Processes); {
	case n == 0:
		r.missing(place{"process", "app"}, "Process missing", "The app %q has no process. Add process \"web\" { command = [\"./%s\"] }.", s.App, s.App)
	case n > paas.MaxProcesses:
		r.say(app, "Too many processes", "The app %q has %d processes; at most %d are allowed.", s.App, n, paas.MaxProcesses)
	}
	processes := map[string]bool{}
	routes := map[string]string{}
	for i, p := range s.Processes {
		at := place{}.block("process", i, p.Name)
		if processes[p.Name] {
			r.say(at.label(), "Name repeated", "There is a second process %q. Give it another name, or join the two.", p.Name)
		}
		processes[p.Name] = true
		validateProcess(at, p, s.Build.Builder, r)
		for j, route := range p.Routes {
			if other, held := routes[route.String()]; held {
				r.say(at.block("route", j, route.String()).label(), "Route repeated", "The route %s already belongs to process %q. Choose another path or remove it there first.", route, other)
			}
			routes[route.String()] = p.Name
		}
	}
	validateSharedEnv(s, r)
}

func validateBuild(b paas.Build, r report) {
	at := place{"build", "build"}
	if !slices.Contains(builders, string(b.Builder)) {
		r.say(at.attr("builder"), "Unknown builder", "There is no builder %q. The builders are %s.", b.Builder, list(builders))
		return
	}
	isGo := b.Builder == paas.BuilderGo
	if b.Main != "" && !isGo {
		r.say(at.attr("main"), "Key does not fit", "The key main is for the builder \"go\" only, and the builder is %q. Leave it out.", b.Builder)
	}
	if b.Dir != "" && isGo {
		r.say(at.attr("dir"), "Key does not fit", "The key dir is for the builders \"static\" and \"none\" only. For a Go program write main = \"./cmd/NAME\".")
	}
	if b.Main != "" && isGo && (!inside(b.Main) || (b.Main != "." && !strings.HasPrefix(b.Main, "./")) || strings.Contains(b.Main, "...")) {
		r.say(at.attr("main"), "Bad path", "The main package %q must be a path below the source that begins with ./, such as ./cmd/hello.", b.Main)
	}
	if !isGo && !inside(b.Dir) {
		r.say(at.attr("dir"), "Bad path", "The dir %q must be a relative path that stays inside the source, such as public.", b.Dir)
	}
}

// inside says that a path is relative and stays below the folder it is relative to.
func inside(p string) bool {
	clean := path.Clean(p)
	return p != "" && !path.IsAbs(p) && clean != ".." && !strings.HasPrefix(clean, "../") && !strings.ContainsAny(p, "\x00\\")
}

func validateProcess(at place, p paas.Process, builder paas.Builder, r report) {
	if problem := paas.CheckName("process", p.Name, paas.MaxProcess); problem != "" {
		r.say(at.label(), "Bad name", "%s", problem)
	}
	validateCommand(at, p, builder, r)
	validateLimits(at, p, r)
	validatePorts(at, p, r)
	for j, route := range p.Routes {
		validateRoute(at.block("route", j, route.String()), p, route, r)
	}
	if p.Health.Readiness != nil {
		validateHealth(at.attr("health"), p, r)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		validateVariable(at.attr("env").attr(name), name, p.Env[name], r)
		validateRefs(at.attr("env").attr(name), p, p.Env[name], r)
	}
}

func validateCommand(at place, p paas.Process, builder paas.Builder, r report) {
	command := at.attr("command")
	if len(p.Command) == 0 {
		switch {
		case builder != paas.BuilderStatic:
			r.missing(command, "Command missing", "The process %q has no command. Write command = [\"./NAME\"] with the name of its program.", p.Name)
		case len(p.Ports) != 1:
			r.missing(command, "Port missing", "The process %q serves a static site and needs exactly one port; it has %d. Write port \"http\" {}.", p.Name, len(p.Ports))
		}
		return
	}
	program, literal := p.Command[0].Text()
	first := place{command.key + ".0", command.location}
	switch {
	case !literal:
		r.say(first, "Bad program", "The first item of the command is the program and can't be a reference.")
	case program == "":
		r.say(first, "Bad program", "The first item of the command is the program and is empty. Write its path, such as \"./hello\".")
	case !path.IsAbs(program) && !inside(program):
		r.say(first, "Bad program", "The program %q lies outside of the artifact. Write a path below the app's folder, such as \"./hello\", or an absolute one.", program)
	}
	for i, arg := range p.Command {
		item := place{fmt.Sprintf("%s.%d", command.key, i), command.location}
		validateText(item, arg, r)
		validateRefs(item, p, arg, r)
	}
}

func validateText(at place, v paas.Value, r report) {
	for _, part := range v {
		if strings.ContainsRune(part.Text, 0) {
			r.say(at, "Bad text", "The value at %s has a NUL character, which no program can be given. Leave it out.", at.location)
			return
		}
	}
}

// Limits of numbers and times; those of memory and checks are Nomad's own.
const (
	maxCPU      = 1_000_000
	minMemory   = 10
	maxMemory   = 4 << 20
	maxStartup  = time.Hour
	maxDelay    = 10 * time.Minute
	minCheck    = time.Second
	maxCheck    = 5 * time.Minute
	maxAttempts = 100
)

func validateLimits(at place, p paas.Process, r report) {
	count := func(at place, what, unit string, n, least, most int) {
		if n < least || n > most {
			r.say(at, "Out of range", "The %s is %d%s; it must be from %d to %d.", what, n, unit, least, most)
		}
	}
	count(at.attr("instances"), "number of instances", "", p.Instances, 0, paas.MaxInstances)
	count(at.attr("cpu"), "cpu", " MHz", p.CPU, 1, maxCPU)
	count(at.attr("memory"), "memory", " MiB", p.Memory, minMemory, maxMemory)
	count(at.attr("restart").attr("attempts"), "number of restart attempts", "", p.Restart.Attempts, 0, maxAttempts)

	span(r, at.attr("startup"), "startup", p.Startup, time.Second, maxStartup)
	span(r, at.attr("restart").attr("delay"), "restart delay", p.Restart.Delay, 0, maxDelay)
	span(r, at.attr("shutdown_delay"), "shutdown_delay", p.ShutdownDelay, 0, maxDelay)
	span(r, at.attr("min_healthy"), "min_healthy", p.MinHealthy, 0, maxDelay)
	if p.KillTimeout < 0 || p.KillTimeout > paas.MaxKillTimeout {
		r.say(at.attr("kill_timeout"), "Out of range", "The kill_timeout is %s; it must be from 0s to %s, as Nomad's nodes cut it there without a word.", p.KillTimeout, paas.MaxKillTimeout)
	}
	if p.Startup >= time.Second && p.HealthyAfter() >= p.Startup && p.MinHealthy <= maxDelay {
		r.say(at.attr("startup"), "Too short", "The startup limit is %s, but an instance of %q counts as healthy only after %s. Make startup longer.", p.Startup, p.Name, p.HealthyAfter())
	}
	if !slices.Contains(strategies, string(p.Strategy)) {
		r.say(at.attr("strategy"), "Unknown strategy", "There is no strategy %q. The strategies are %s.", p.Strategy, list(strategies))
	}
}

func span(r report, at place, what string, t, least, most time.Duration) {
	if t < least || t > most {
		r.say(at, "Out of range", "The %s is %s; it must be from %s to %s.", what, t, least, most)
	}
}
