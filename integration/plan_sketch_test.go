package integration_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// sketch is an app spec that a test can change at random. Its programs are those of integration/task,
// which start at once; its instances are small, so that many pairs fit on one machine.
type sketch struct {
	app       string
	env       map[string]string
	processes []*sketched
	deploy    string
	placement string
	tasks     map[string]string // the body of each
	crons     map[string]string
}

// sketched is one process of a sketch.
type sketched struct {
	name       string
	serves     bool // has a port, and so a check
	instances  int
	cpu        int
	memory     int
	env        map[string]string
	args       []string
	routes     []string
	health     string // the body of its block; "" for none
	files      map[string]string
	sidecar    string // the body of its block; "" for none
	placement  string
	nomad      string
	strategy   string
	restarts   int
	killWithin int // seconds
}

// newSketch is an app with one process.
func newSketch(app string) *sketch {
	s := &sketch{app: app, env: map[string]string{"GREETING": "hi"}, tasks: map[string]string{}, crons: map[string]string{}}
	s.add("web", true)
	return s
}

func (s *sketch) add(name string, serves bool) {
	p := &sketched{name: name, serves: serves, instances: 1, cpu: 20, memory: 24, env: map[string]string{}, files: map[string]string{}, restarts: 2, killWithin: 3}
	if serves {
		p.routes = []string{fmt.Sprintf("%s-%s.localhost/", s.app, name)}
	}
	s.processes = append(s.processes, p)
}

// mutations are the ways in which a spec changes, each with what it is called in a failure. Some come
// to a walk, some to a change in place, some to nothing.
var mutations = map[string]func(*sketch, *rand.Rand){
	"env":         func(s *sketch, r *rand.Rand) { toggle(s.env, "GREETING", "LEVEL", r) },
	"process env": func(s *sketch, r *rand.Rand) { toggle(s.any(r).env, "MODE", "SIZE", r) },
	"args": func(s *sketch, r *rand.Rand) {
		p := s.any(r)
		p.args = append(p.args[:0:0], fmt.Sprint("-n", r.IntN(9)))
	},
	"instances": func(s *sketch, r *rand.Rand) { s.any(r).instances = r.IntN(4) },
	"all instances": func(s *sketch, r *rand.Rand) {
		n := r.IntN(3)
		for _, p := range s.processes {
			p.instances = n
		}
	},
	"cpu":          func(s *sketch, r *rand.Rand) { s.any(r).cpu = 20 + 5*r.IntN(4) },
	"memory":       func(s *sketch, r *rand.Rand) { s.any(r).memory = 24 + 4*r.IntN(3) },
	"restart":      func(s *sketch, r *rand.Rand) { s.any(r).restarts = r.IntN(3) },
	"kill_timeout": func(s *sketch, r *rand.Rand) { s.any(r).killWithin = 2 + r.IntN(3) },
	"process":      (*sketch).changeProcess,
	"routes":       (*sketch).changeRoutes,
	"route order": func(s *sketch, r *rand.Rand) {
		slices.Reverse(s.any(r).routes)
	},
	"health": func(s *sketch, r *rand.Rand) {
		p := s.any(r)
		p.health = pick(r, "", `path = "/health"`, "readiness {\n http = \"/health\"\n }", "liveness {\n http = \"/health\"\n failures = 5\n }")
	},
	"file": func(s *sketch, r *rand.Rand) {
		p := s.any(r)
		if len(p.files) > 0 && r.IntN(3) == 0 {
			clear(p.files)
			return
		}
		p.files[pick(r, "conf/a.conf", "conf/b.conf")] = pick(r, "one", "two ${alloc.index}", "three")
	},
	"sidecar": func(s *sketch, r *rand.Rand) {
		s.any(r).sidecar = pick(r, "", `env = { A = "1" }`, `env = { A = "2" }`)
	},
	"process placement": func(s *sketch, r *rand.Rand) { s.any(r).placement = pick(r, "", linux, spread) },
	"placement":         func(s *sketch, r *rand.Rand) { s.placement = pick(r, "", linux) },
	"nomad": func(s *sketch, r *rand.Rand) {
		s.any(r).nomad = pick(r, "", "task = { Meta = { a = \"1\" } }", "task = { Meta = { a = \"2\" } }")
	},
	"process strategy": func(s *sketch, r *rand.Rand) { s.any(r).strategy = pick(r, "", "stop-first") },
	"deploy": func(s *sketch, r *rand.Rand) {
		s.deploy = pick(r, "", "surge = 1", "surge = \"100%\"\n max_in_flight = 1", `strategy = "stop-first"`,
			"strategy = \"blue-green\"\n blue_green {\n warm = \"1s\"\n }",
			"strategy = \"canary\"\n canary {\n traffic = [50]\n hold = \"1s\"\n }",
			"strategy = \"canary\"\n unrouted = \"switch\"\n canary {\n instances = 2\n traffic = [25, 50]\n hold = \"500ms\"\n }")
	},
	"task":    func(s *sketch, r *rand.Rand) { toggle(s.tasks, "before", "after", r) },
	"cron":    func(s *sketch, r *rand.Rand) { toggle(s.crons, "report", "tidy", r) },
	"nothing": func(*sketch, *rand.Rand) {},
}

const (
	linux  = "constraint {\n attribute = \"attr.kernel.name\"\n operator = \"=\"\n value = \"linux\"\n }"
	spread = "spread {\n attribute = \"node.datacenter\"\n weight = 50\n }"
)

// mutate changes the sketch in a few ways and names them.
func (s *sketch) mutate(r *rand.Rand) string {
	names := slices.Sorted(maps.Keys(mutations))
	for range 2 { // most keys come to a walk: these make up for it
		names = append(names, "instances", "all instances", "routes", "deploy", "cron", "nothing")
	}
	if r.IntN(4) == 0 {
		names = []string{"instances", "all instances", "routes", "deploy", "cron"}
	}
	var done []string
	for range 1 + r.IntN(3) {
		name := names[r.IntN(len(names))]
		mutations[name](s, r)
		done = append(done, name)
	}
	return strings.Join(done, ", ")
}

func (s *sketch) any(r *rand.Rand) *sketched { return s.processes[r.IntN(len(s.processes))] }

func (s *sketch) changeProcess(r *rand.Rand) {
	if len(s.processes) > 1 && r.IntN(2) == 0 {
		at := r.IntN(len(s.processes))
		s.processes = slices.Delete(s.processes, at, at+1)
		return
	}
	for _, name := range []string{"web", "api", "worker"} {
		if !slices.ContainsFunc(s.processes, func(p *sketched) bool { return p.name == name }) {
			s.add(name, name != "worker" || r.IntN(2) == 0)
			return
		}
	}
}

func (s *sketch) changeRoutes(r *rand.Rand) {
	p := s.any(r)
	extra := fmt.Sprintf("%s-%s.localhost/more/", s.app, p.name)
	switch at := slices.Index(p.routes, extra); {
	case !p.serves:
	case at >= 0:
		p.routes = slices.Delete(p.routes, at, at+1)
	default:
		p.routes = append(p.routes, extra)
	}
}

// toggle changes, adds or takes away a key.
func toggle(m map[string]string, one, other string, r *rand.Rand) {
	key := pick(r, one, other)
	if _, has := m[key]; has && r.IntN(3) == 0 {
		delete(m, key)
		return
	}
	m[key] = fmt.Sprint("v", r.IntN(4))
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// text writes the sketch as an app spec.
func (s *sketch) text() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	block := func(head, body string) {
		if body != "" {
			say("%s {\n%s\n}", head, body)
		}
	}
	say("app %q {\nbuild {\nbuilder = \"none\"\n}\nenv = %s", s.app, hclMap(s.env))
	if !strings.Contains(s.deploy, "canary") && !strings.Contains(s.deploy, "blue-green") || slices.ContainsFunc(s.processes, (*sketched).moves) {
		block("deploy", s.deploy)
	}
	block("placement", s.placement)
	for _, p := range s.processes {
		say("process %q {", p.name)
		p.text(say, block)
		say("}")
	}
	for _, phase := range slices.Sorted(maps.Keys(s.tasks)) {
		say("task %q {\ncommand = [\"./task\", \"exit\", \"0\"]\nphase = %q\ncpu = 20\nmemory = \"24MiB\"\nenv = { V = %q }\n}", phase, phase, s.tasks[phase])
	}
	for _, name := range slices.Sorted(maps.Keys(s.crons)) {
		say("cron %q {\ncommand = [\"./task\", \"exit\", \"0\"]\nschedule = \"0 0 1 1 *\"\ncpu = 20\nmemory = \"24MiB\"\nenv = { V = %q }\n}", name, s.crons[name])
	}
	say("}")
	return b.String()
}

// moves says whether requests to the process can move from old instances to new ones.
func (p *sketched) moves() bool { return len(p.routes) > 0 && p.strategy != "stop-first" }

func (p *sketched) text(say func(string, ...any), block func(head, body string)) {
	mode := "idle"
	if p.serves {
		mode = "serve"
	}
	say("command = %s\ninstances = %d\ncpu = %d\nmemory = \"%dMiB\"\ndisk = \"20MiB\"", hclList(append([]string{"./task", mode}, p.args...)), p.instances, p.cpu, p.memory)
	say("startup = \"60s\"\nmin_healthy = \"200ms\"\nshutdown_delay = \"100ms\"\nkill_timeout = \"%ds\"\nenv = %s", p.killWithin, hclMap(p.env))
	say("logs {\nmax_files = 2\nmax_size = \"1MiB\"\n}\nrestart {\nattempts = %d\ndelay = \"1s\"\n}", p.restarts)
	if p.strategy != "" {
		say("strategy = %q", p.strategy)
	}
	if p.serves {
		say("port \"http\" {}")
		for _, r := range p.routes {
			say("route %q {}", r)
		}
		block("health", p.health)
	}
	for _, path := range slices.Sorted(maps.Keys(p.files)) {
		say("file %q {\ncontent = %q\n}", path, p.files[path])
	}
	if p.sidecar != "" {
		block(`sidecar "beside"`, "command = [\"./task\", \"idle\"]\ncpu = 20\nmemory = \"24MiB\"\nlogs {\nmax_files = 1\nmax_size = \"1MiB\"\n}\n"+p.sidecar)
	}
	block("placement", p.placement)
	block("nomad", p.nomad)
}

func hclMap(m map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s = %q", name, m[name]))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func hclList(list []string) string {
	var parts []string
	for _, text := range list {
		parts = append(parts, fmt.Sprintf("%q", text))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
