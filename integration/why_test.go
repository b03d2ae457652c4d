package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// TestWhy brings about every cause of docs/why.md, and asks within five seconds of each why the app does not serve, or
// what else is wrong. `make test` does the quick ones, `make prove STORY=why` all.
//
//	apps      one stack, an app for each cause that lies in an app, its placement or its deployment
//	outages   one stack whose parts are taken away one after the other
//	nodes     a stack of two nodes, of which one is drained, killed, and closed
func TestWhy(t *testing.T) {
	t.Parallel()
	list := slices.Concat(whyApps(), whyServices(), whyDeployments(), whyOutages(), whyNodes())
	t.Cleanup(func() {
		if program, err := whyProgram(); err == nil {
			_ = os.RemoveAll(filepath.Dir(program)) // a temporary folder
		}
	})
	t.Run("every row of the table has a case", func(t *testing.T) { everyRow(t, list) })
	if !proving {
		list = slices.DeleteFunc(list, func(c whyCase) bool { return !c.quick })
	}
	for _, group := range []struct {
		name  string
		start func(testing.TB) *dev
		turns int // cases at a time
	}{
		{"outages", func(t testing.TB) *dev { return startDev(t) }, 1},
		{"nodes", func(t testing.TB) *dev { return startNodes(t, 2) }, 1},
		{"apps", func(t testing.TB) *dev { return startDev(t) }, 4}, // last: parallel cases wait until other stories leave them room
	} {
		cases := slices.DeleteFunc(slices.Clone(list), func(c whyCase) bool { return c.group != group.name || !c.here() })
		if len(cases) == 0 {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			w := &whyStack{d: group.start(t), home: t.TempDir()}
			w.nomad = w.d.nomad() // one for all: Nomad counts the connections of a client
			turn := make(chan struct{}, group.turns)
			for _, c := range cases {
				if group.turns == 1 {
					t.Run(c.cause, func(t *testing.T) { w.in(t).prove(c) })
					continue
				}
				t.Run(c.cause, func(t *testing.T) {
					t.Parallel()
					turn <- struct{}{}
					defer func() { <-turn }()
					w.in(t).prove(c)
				})
			}
		})
	}
}

// whyCase is one cause and how it is brought about.
type whyCase struct {
	cause string
	group string
	quick bool   // done by make test
	only  string // the stack that can produce it; "" for both
	words []string
	// serves says whether the app serves meanwhile.
	serves bool
	app    whyApp
	either bool // or does not, by turns
	// push leaves the app to be pushed in the background, and the cause to arise from that; else arise does it.
	push bool
	// arise makes it so, and returns when it is.
	arise func(w *whyStack, app string)
	// arisen tells that Nomad, say, knows of it; nil: as soon as arise has returned.
	arisen func(w *whyStack, app string) bool
	mend   func(w *whyStack, app string)
	limit  time.Duration // until it has arisen
}

// lacks gives a word that an answer should have and has not, or "".
func (c whyCase) lacks(a whyAnswer) string {
	for _, word := range c.words {
		if !strings.Contains(a.Summary, word) {
			return word
		}
	}
	return ""
}

func (c whyCase) here() bool {
	return c.only == "" || (c.only == "embedded") == (stack == "embedded")
}

// whyApp is an app of one process.
type whyApp struct {
	mode  string   // what the program does
	env   string   // further variables
	keys  []string // of the process
	outer []string // of the app
	files map[string]string
	build string // "none" unless said
}

// whyStack is a running stack for some cases.
type whyStack struct {
	d     *dev
	home  string
	nomad *nomadapi.Client
}

func (w *whyStack) in(t testing.TB) *whyStack { return &whyStack{w.d.in(t), w.home, w.nomad} }

// dir is the folder of an app.
func (w *whyStack) dir(app string) string { return filepath.Join(w.home, app) }

// write makes an app.
func (w *whyStack) write(app string, a whyApp) {
	w.d.t.Helper()
	build := orElse(a.build, "none")
	if build == "none" {
		program, err := whyProgram()
		if err == nil {
			err = os.MkdirAll(w.dir(app), 0o755)
		}
		if err == nil {
			err = os.Link(program, filepath.Join(w.dir(app), "prog"))
		}
		if err != nil {
			w.d.t.Fatal(err)
		}
	}
	for name, text := range a.files {
		write(w.d.t, filepath.Join(w.dir(app), name), text)
		if err := os.Chmod(filepath.Join(w.dir(app), name), 0o755); err != nil {
			w.d.t.Fatal(err)
		}
	}
	spec := fmt.Sprintf("app %q {\n  build { builder = %q }\n  process \"web\" {\n    command = [\"./prog\"]\n    port \"http\" {}\n", app, build)
	keys := strings.Join(a.keys, "\n")
	for key, value := range map[string]string{"startup": `"40s"`, "shutdown_delay": `"1s"`, "min_healthy": `"1s"`} {
		if !strings.Contains(keys, key) {
			spec += "    " + key + " = " + value + "\n"
		}
	}
	if strings.HasPrefix(keys, "command") {
		spec = strings.Replace(spec, "    command = [\"./prog\"]\n", "", 1)
	}
	spec += keys + "\n  }\n  env = {\n    MODE = \"" + orElse(a.mode, "ok") + "\"\n" + a.env + "\n  }\n" + strings.Join(a.outer, "\n") + "\n}\n"
	write(w.d.t, filepath.Join(w.dir(app), "crumpet.hcl"), spec)
}

// whyProgram is built once; it goes wrong as MODE says.
var whyProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "crumpet-why-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "prog")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./testdata/why")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program of the causes: %w\n%s", err, out)
	}
	return path, nil
})

// pushes begins a push that may fail, and waits for it when the test ends.
func (w *whyStack) pushes(app string, args ...string) {
	w.d.t.Helper()
	cmd := w.d.command(w.d.t.Context(), w.dir(app), append([]string{"push"}, args...)...)
	out := &buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.d.t.Fatal(err)
	}
	w.d.t.Cleanup(func() {
		_ = cmd.Process.Kill() // the deployment goes on without it
		_ = cmd.Wait()
		if w.d.t.Failed() {
			w.d.t.Logf("push said:\n%s", out)
		}
	})
}

// why is what `crumpet why --json` prints.
type whyAnswer struct {
	App, Cause, Summary string
	Serving             bool
	Chain               []struct {
		Kind, ID, Text string
		Since          *time.Time
	}
	NextTry *time.Time `json:"next_try"`
	Try     []string
}

func (w *whyStack) why(app string) (answer whyAnswer, ok bool) {
	w.d.t.Helper()
	req, err := http.NewRequestWithContext(w.d.t.Context(), http.MethodGet, w.d.info.Addr+"/v1/apps/"+app+"/why", nil)
	if err != nil {
		w.d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.d.info.Token)
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, false // the server is being started again
	}
	defer response.Body.Close() //nolint:errcheck // decoded to its end
	return answer, response.StatusCode == http.StatusOK && json.NewDecoder(response.Body).Decode(&answer) == nil
}

// within is how soon after a cause has arisen it must be known: five seconds where that is proved. Beside other tests
// only that it is known counts.
var within = map[bool]time.Duration{true: 5 * time.Second, false: 30 * time.Second}[proving]

// prove brings a cause about and asks for it.
func (w *whyStack) prove(c whyCase) {
	t := w.d.t
	app := strings.ReplaceAll(c.cause, "unreachable", "gone")
	app = app[:min(24, len(app))]
	w.write(app, c.app)
	if c.mend != nil {
		defer c.mend(w, app)
	}
	if c.push {
		w.pushes(app)
	} else if c.arise != nil {
		c.arise(w, app)
	}
	began := time.Now()
	limit := c.limit
	if limit == 0 {
		limit = 60 * time.Second
	}
	var arose time.Time
	var last whyAnswer
	var said []string // each time the answer was another
	for {
		if arose.IsZero() && (c.arisen == nil && (!c.push || w.released(app)) || c.arisen != nil && c.arisen(w, app)) {
			arose = time.Now()
		}
		if answer, ok := w.why(app); ok {
			if last = answer; answer.Cause == c.cause && c.lacks(answer) == "" {
				break
			}
			if line := answer.Cause + ": " + answer.Summary; len(said) == 0 || said[len(said)-1] != line {
				said = append(said, line)
			}
		}
		if !arose.IsZero() && time.Since(arose) > within {
			t.Fatalf("%s after it arose, the cause is %s, without %q:\n%s\n%s", within, last.Cause, c.lacks(last), strings.Join(said, "\n"), last.chain())
		}
		if arose.IsZero() && time.Since(began) > limit {
			t.Fatalf("it did not arise within %s:\n%s", limit, strings.Join(said, "\n"))
		}
		time.Sleep(100 * time.Millisecond)
	}
	took := "before Nomad said so"
	if !arose.IsZero() {
		took = fmt.Sprintf("after %.1f s", time.Since(arose).Seconds())
	}
	t.Logf("%s: %s", took, last.Summary)
	if last.Serving != c.serves && !c.either {
		t.Errorf("serving is %t: %s", last.Serving, last.Summary)
	}
	if len(last.Try) == 0 {
		t.Errorf("nothing to try: %s", last.Summary)
	}
	shown := w.d.cli(w.home, "why", app)
	if want := map[bool]int{true: 0, false: 1}[c.serves]; shown.code != want && !c.either && !strings.Contains(shown.errOut, "Error") {
		t.Errorf("crumpet why ended with %d: %s", shown.code, shown)
	}
}

func (a whyAnswer) chain() string {
	var b strings.Builder
	for _, l := range a.Chain {
		fmt.Fprintf(&b, "  %s %s: %s\n", l.Kind, l.ID, l.Text)
	}
	return b.String()
}

// released says that the app has a release.
func (w *whyStack) released(app string) bool {
	code, _ := w.d.get(w.d.info.Addr+"/v1/apps/"+app+"/releases/1", w.d.info.Token)
	return code == http.StatusOK
}

// serving pushes an app that serves, and waits until it does.
func (w *whyStack) serving(app string) { w.d.t.Helper(); w.d.ok(w.dir(app), "push") }

// again changes a text of the app's spec and pushes it in the background.
func (w *whyStack) again(app, from, to string, args ...string) {
	w.d.t.Helper()
	edit(w.d.t, filepath.Join(w.dir(app), "crumpet.hcl"), from, to)
	w.pushes(app, args...)
}

// allocs gives the allocations of an app, newest first.
func (w *whyStack) allocs(app string) []*nomadapi.AllocationListStub {
	var all []*nomadapi.AllocationListStub
	for _, slot := range []string{".blue", ".green", ".data"} {
		list, _, err := w.nomad.Jobs().Allocations(app+slot, true, nil)
		if err == nil { // else there is no such job yet
			all = append(all, list...)
		}
	}
	slices.SortFunc(all, func(a, b *nomadapi.AllocationListStub) int { return int(b.CreateIndex) - int(a.CreateIndex) })
	return all
}

// newest gives the newest allocation of an app that has one.
func (w *whyStack) newest(app string) (a *nomadapi.AllocationListStub) {
	w.d.t.Helper()
	w.d.until(20*time.Second, "Nomad shows an allocation of "+app, func() bool {
		if all := w.allocs(app); len(all) > 0 {
			a = all[0]
		}
		return a != nil
	})
	return a
}

// event tells that a task of the app has an event of a type, with some text.
func event(kind, text string) func(*whyStack, string) bool {
	return func(w *whyStack, app string) bool {
		for _, a := range w.allocs(app) {
			for _, task := range a.TaskStates {
				for _, e := range task.Events {
					if e.Type == kind && strings.Contains(e.DisplayMessage, text) {
						return true
					}
				}
			}
		}
		return false
	}
}

// startedFor tells that a task of the app has run for so long without an end.
func startedFor(d time.Duration) func(*whyStack, string) bool {
	return func(w *whyStack, app string) bool {
		return slices.ContainsFunc(w.allocs(app), func(a *nomadapi.AllocationListStub) bool {
			task := a.TaskStates["web"]
			return a.DesiredStatus == "run" && task != nil && !task.StartedAt.IsZero() && time.Since(task.StartedAt) > d
		})
	}
}

// replace has Nomad place the newest instance of an app anew.
func (w *whyStack) replace(app string) {
	w.d.t.Helper()
	a := w.newest(app)
	if _, err := w.nomad.Allocations().Stop(&nomadapi.Allocation{ID: a.ID}, nil); err != nil {
		w.d.t.Fatal(err)
	}
}

var rowOf = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [^|]+ \\| ([^|]+) \\|")

// everyRow holds the cases against the table in the docs, which is that of the server.
func everyRow(t *testing.T, list []whyCase) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "why.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := rowOf.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 30 {
		t.Fatalf("docs/why.md has %d causes", len(rows))
	}
	for _, row := range rows {
		stacks := strings.TrimSpace(row[2])
		i := slices.IndexFunc(list, func(c whyCase) bool { return c.cause == row[1] })
		switch {
		case i < 0 && stacks != "neither":
			t.Errorf("the cause %s has no case", row[1])
		case i >= 0 && list[i].only != map[string]string{"both": "", "embedded": "embedded", "real": "real"}[stacks]:
			t.Errorf("the cause %s is proved on %q, docs/why.md says %s", row[1], list[i].only, stacks)
		}
	}
	for _, c := range list {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[1] == c.cause }) {
			t.Errorf("%s is no cause of docs/why.md", c.cause)
		}
	}
}
