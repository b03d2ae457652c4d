package spec

import (
	"fmt"
	"path"
	"reflect"
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

// report takes flaws, until there are more than anybody reads.
type report struct {
	take func(at place, f flaw)
	left *int

	known    map[string]bool // by place.key, what was validated before and has not changed
	rerouted map[string]bool // of these, the processes whose routes have changed
}

func newReport(take func(at place, f flaw)) report {
	left := mostFlaws
	return report{take: take, left: &left}
}

func (r report) say(at place, summary, format string, args ...any) {
	r.add(at, flaw{summary: summary, message: fmt.Sprintf(format, brief(args)...)})
}

func (r report) missing(at place, summary, format string, args ...any) {
	r.add(at, flaw{summary: summary, message: fmt.Sprintf(format, brief(args)...), absent: true})
}

func (r report) add(at place, f flaw) {
	if *r.left--; *r.left >= 0 {
		r.take(at, f)
	}
}

// full says that no more flaws are taken, so that none need be looked for.
func (r report) full() bool { return *r.left <= 0 }

// mostFlaws is how many flaws of one spec are looked for: somewhat more than are said, as some are
// said already by the decoder.
const mostFlaws = 300

// brief shortens the texts of a sentence that are too long to be read.
func brief(args []any) []any {
	const most, kept = 400, 60
	short := slices.Clone(args)
	for i, arg := range args {
		s, isError := "", false
		switch v := reflect.ValueOf(arg); {
		case !v.IsValid():
			continue
		case v.Kind() == reflect.String:
			s = v.String()
		default:
			var err error
			if err, isError = arg.(error); !isError {
				continue
			}
			s = err.Error()
		}
		if len(s) > most {
			short[i] = strings.ToValidUTF8(s[:kept], "") + "..."
		}
	}
	return short
}

// Validate gives every fault of a spec, each with its key path. A spec that Parse gave has none.
func Validate(s paas.Spec) []paas.Fault {
	var faults []paas.Fault
	validate(s, newReport(func(at place, f flaw) {
		faults = append(faults, paas.Fault{Location: at.location(), Message: f.message})
	}))
	return faults
}

func validate(s paas.Spec, r report) {
	app := placed("app", "app")
	if problem := paas.CheckName("app", s.App, paas.MaxApp); problem != "" {
		r.say(app.label(), "Bad name", "%s", problem)
	}
	if s.Environment != "" && !strings.HasSuffix(s.App, "-"+s.Environment) {
		r.say(app.label(), "Bad name", "The app %q is of the environment %q, so its name must end in -%s.", s.App, s.Environment, s.Environment)
	}
	validateBuild(s.Build, r)
	if len(s.Processes) == 0 {
		r.missing(placed("process", "app"), "Process missing", "The app %q has no process. Add process \"web\" { command = [\"./%s\"] }.", s.App, s.App)
	}
	if !few(s, r) {
		return // a rule that compares each with all would take long
	}
	validateNames(s, r)
	for i, p := range s.Processes {
		switch at := (place{}).block("process", i, p.Name); {
		case !r.known[at.key()]:
			validateProcess(at, p, s.Build.Builder, r)
		case r.rerouted[at.key()]:
			validateRoutes(at, p, r)
		}
	}
	for i, t := range s.Tasks {
		if at := (place{}).block("task", i, t.Name); !r.known[at.key()] {
			validateTask(at, t, r)
		}
	}
	for i, t := range s.Crons {
		if at := (place{}).block("cron", i, t.Name); !r.known[at.key()] {
			validateCron(at, t, r)
		}
	}
	validateRouteOwners(s, r)
	validateSharedEnv(s, r)
	validateSecrets(s, r)
	validateServices(s, r)
	validateProvided(s, r)
	validateDeploy(s, r)
	validatePlacement(placed("placement", "placement"), s.Placement, r)
}

// validateNames demands one name for one thing: processes, tasks and crons stand in the same lists of
// instances and logs, and are Nomad's groups and tasks.
func validateNames(s paas.Spec, r report) {
	taken := map[string]string{}
	check := func(at place, kind, name string) {
		validateName(at, kind, name, r)
		switch other := taken[name]; other {
		case "":
			taken[name] = kind
		case kind:
			r.say(at.label(), "Name repeated", "There is a second %s %q. Give it another name, or join the two.", kind, name)
		default:
			r.say(at.label(), "Name repeated", "There is a %s %q already, and a %s can't have the same name: instances and logs are found by it. Give it another name.", other, name, kind)
		}
	}
	for i, p := range s.Processes {
		check(place{}.block("process", i, p.Name), "process", p.Name)
	}
	for i, t := range s.Tasks {
		check(place{}.block("task", i, t.Name), "task", t.Name)
	}
	for i, t := range s.Crons {
		check(place{}.block("cron", i, t.Name), "cron", t.Name)
	}
}

// reservedTask is the one name that Nomad keeps from tasks: their folder of that name is another.
const reservedTask = "alloc"

func validateName(at place, kind, name string, r report) {
	if problem := paas.CheckName(kind, name, paas.MaxProcess); problem != "" {
		r.say(at.label(), "Bad name", "%s", problem)
	} else if name == reservedTask {
		r.say(at.label(), "Reserved name", "The name %q is taken: Nomad has a folder of that name in every instance. Choose another name for the %s.", name, kind)
	}
}

func validateBuild(b paas.Build, r report) {
	at := placed("build", "build")
	if !slices.Contains(builders, b.Builder) {
		r.say(at.attr("builder"), "Unknown value", "%s", unknownWord("builder", string(b.Builder), builders))
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

// span demands that a time is neither too short nor too long.
func span(r report, at place, what string, t, least, most time.Duration) {
	if t < least || t > most {
		r.say(at, "Out of range", "The %s is %s; it must be from %s to %s.", what, paas.Span(t), paas.Span(least), paas.Span(most))
	}
}

// count demands that a number is neither too small nor too large.
func count(r report, at place, what, unit string, n, least, most int) {
	if n < least || n > most {
		r.say(at, "Out of range", "The %s is %d%s; it must be from %d to %d.", what, n, unit, least, most)
	}
}
