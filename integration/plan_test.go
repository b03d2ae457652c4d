package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fate is what becomes of the instances of one process.
type fate struct {
	Stay, InPlace, Replaced, Created, Destroyed int
}

// planned is what `crumpet plan --json` prints.
type planned struct {
	Release   int
	Nothing   bool
	Walk      bool
	Why       string
	ToSlot    string `json:"to_slot"`
	Processes []struct {
		Name                               string
		Stay, Replaced, Created, Destroyed int
		InPlace                            int `json:"in_place"`
	}
	Warnings []string
}

func (p planned) fates() map[string]fate {
	m := map[string]fate{}
	for _, process := range p.Processes {
		f := fate{process.Stay, process.InPlace, process.Replaced, process.Created, process.Destroyed}
		if f != (fate{}) {
			m[process.Name] = f
		}
	}
	return m
}

// alloc is one allocation of an app that is to run.
type alloc struct {
	process, job string
	version      uint64
}

// allocs are an app's allocations in Nomad that are to run and have not ended, by id.
func (d *dev) allocs(app string) (map[string]alloc, error) {
	found := map[string]alloc{}
	for _, slot := range []string{"blue", "green"} {
		job := app + "." + slot
		code, body := d.get(d.info.Nomad+"/v1/job/"+job+"/allocations", "")
		if code != 200 {
			return nil, fmt.Errorf("allocations of %s: %d %s", job, code, body)
		}
		var list []struct {
			ID, TaskGroup, DesiredStatus, ClientStatus string
			JobVersion                                 uint64
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			return nil, fmt.Errorf("allocations of %s: %w", job, err)
		}
		for _, a := range list {
			if a.DesiredStatus == "run" && (a.ClientStatus == "running" || a.ClientStatus == "pending") {
				found[a.ID] = alloc{a.TaskGroup, job, a.JobVersion}
			}
		}
	}
	return found, nil
}

// happened tells from the allocations before and after what became of the instances.
func happened(before, after map[string]alloc) map[string]fate {
	gone, came, m := map[string]int{}, map[string]int{}, map[string]fate{}
	for id, was := range before {
		f := m[was.process]
		now, same := after[id]
		switch {
		case !same:
			gone[was.process]++
		case now.version == was.version:
			f.Stay++
		default:
			f.InPlace++
		}
		m[was.process] = f
	}
	for id, now := range after {
		if _, same := before[id]; !same {
			came[now.process]++
		}
	}
	for _, process := range slices.Concat(slices.Collect(maps.Keys(gone)), slices.Collect(maps.Keys(came))) {
		f := m[process]
		f.Replaced = min(gone[process], came[process])
		f.Created, f.Destroyed = came[process]-f.Replaced, gone[process]-f.Replaced
		m[process] = f
	}
	maps.DeleteFunc(m, func(_ string, f fate) bool { return f == fate{} })
	return m
}

// TestPlan: for random pairs of specs, what `crumpet plan` says before a push is what became of the
// allocations after it, count by count. PLAN_PAIRS, PLAN_APPS and PLAN_SEED change sizes and chance.
func TestPlan(t *testing.T) {
	t.Parallel()
	pairs, apps := 5, 2
	if proving {
		pairs, apps = 200, 4
		if stack == "real" {
			pairs = 50
		}
	}
	pairs, apps = number("PLAN_PAIRS", pairs), number("PLAN_APPS", apps)
	seed := uint64(number("PLAN_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("%d pairs on %d apps, PLAN_SEED=%d", pairs, apps, seed)
	d := startDev(t)
	program := buildTask(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for n := range apps {
		folder := filepath.Join(t.TempDir(), "app")
		all.Go(func() {
			c := &chain{d: d, app: fmt.Sprintf("app%d", n), folder: folder, random: rand.New(rand.NewPCG(seed, uint64(n)))} //nolint:gosec // chance, not secrets
			if err := errors.Join(os.Mkdir(folder, 0o700), os.Link(program, filepath.Join(folder, "task")), c.run(n, pairs, apps)); err != nil {
				t.Errorf("%s: %v", c.app, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for kind, times := range c.seen {
				seen[kind] += times
			}
		})
	}
	all.Wait()
	if !t.Failed() {
		(&chain{d: d, app: "moved", folder: filepath.Join(t.TempDir(), "app")}).refused(t, program)
	}
	t.Logf("what the plans said: %v", seen)
}

// chain is one app that goes from one random spec to the next: the second of each pair is the first
// of the following one.
type chain struct {
	d      *dev
	app    string
	folder string
	random *rand.Rand
	sketch *sketch
	seen   map[string]int
}

// run takes every apps-th of the pairs.
func (c *chain) run(from, pairs, apps int) error {
	c.sketch, c.seen = newSketch(c.app), map[string]int{}
	if err := c.write(); err != nil {
		return err
	}
	if err := c.pair(); err != nil {
		return err
	}
	for n := from; n < pairs; n += apps {
		what := c.sketch.mutate(c.random)
		if err := c.write(); err != nil {
			return err
		}
		if c.random.IntN(8) == 0 {
			what += " after " + c.disturb()
		}
		if err := c.pair(); err != nil {
			return fmt.Errorf("pair %d (%s): %w\n%s", n, what, err, c.sketch.text())
		}
	}
	return nil
}

func (c *chain) write() error {
	return os.WriteFile(filepath.Join(c.folder, "crumpet.hcl"), []byte(c.sketch.text()), 0o600)
}

// disturb changes what the spec knows nothing of, and names it.
func (c *chain) disturb() string {
	if c.random.IntN(3) == 0 {
		c.d.cli(c.folder, "stop", c.app)
		c.d.eventually(30*time.Second, func() bool {
			left, err := c.d.allocs(c.app)
			return err == nil && len(left) == 0
		})
		return "a stop"
	}
	var s status
	r := c.d.cli(c.folder, "status", c.app, "--json")
	if json.Unmarshal([]byte(r.out), &s) != nil || len(s.Processes) == 0 {
		return "nothing"
	}
	name, n := s.Processes[0].Name, c.random.IntN(4)
	r = c.d.cli(c.folder, "scale", "--app", c.app, fmt.Sprintf("%s=%d", name, n))
	c.d.eventually(30*time.Second, func() bool { // Nomad is told a little later
		have := 0
		now, err := c.d.allocs(c.app)
		for _, a := range now {
			if a.process == name {
				have++
			}
		}
		return err == nil && have == n
	})
	return fmt.Sprintf("a scale to %s=%d (exit %d)", name, n, r.code)
}

// pair plans and pushes the spec in the folder, and compares.
func (c *chain) pair() error {
	before, err := c.d.allocs(c.app)
	if err != nil {
		return err
	}
	file := filepath.Join(c.folder, "..", c.app+".plan")
	r := c.d.cli(c.folder, "plan", "--json", "--out", file)
	var plan planned
	if err := json.Unmarshal([]byte(r.out), &plan); err != nil {
		return fmt.Errorf("plan: %s", r)
	}
	if want := map[bool]int{true: 0, false: 1}[plan.Nothing]; r.code != want {
		return fmt.Errorf("exit code %d of the plan, want %d: %s", r.code, want, plan.Why)
	}
	push := []string{"push"}
	if c.random.IntN(2) == 0 {
		push = append(push, "--plan", file)
	}
	if r := c.d.cli(c.folder, push...); r.code != 0 {
		return fmt.Errorf("%s: %s", strings.Join(push, " "), r)
	}
	want := plan.fates()
	var got map[string]fate
	same := c.d.eventually(10*time.Second, func() bool {
		after, failed := c.d.allocs(c.app)
		err, got = failed, happened(before, after)
		return err == nil && maps.Equal(want, got)
	})
	switch {
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("the plan said %+v, it was %+v: %s", want, got, plan.Why)
	}
	for _, w := range plan.Warnings {
		if strings.Contains(w, "Nomad says") {
			return fmt.Errorf("the prediction was right, but the plan warned: %s", w)
		}
	}
	var s status
	arrived := c.d.eventually(30*time.Second, func() bool { // a push ends while old instances are kept warm
		r := c.d.cli(c.folder, "status", c.app, "--json")
		return json.Unmarshal([]byte(r.out), &s) == nil && s.Slot == plan.ToSlot && s.Release == plan.Release && s.Status != "deploying"
	})
	if !arrived {
		return fmt.Errorf("the plan said release %d in %s, it is release %d in %s, %s: %s", plan.Release, plan.ToSlot, s.Release, s.Slot, s.Status, plan.Why)
	}
	c.note(plan)
	return nil
}

// refused checks that a saved plan is refused once somebody has changed the app's job in Nomad, by a
// sentence that names the job, and that nothing was released then.
func (c *chain) refused(t *testing.T, program string) {
	t.Helper()
	c.sketch = newSketch(c.app)
	if err := errors.Join(os.Mkdir(c.folder, 0o700), os.Link(program, filepath.Join(c.folder, "task")), c.write()); err != nil {
		t.Fatal(err)
	}
	c.d.ok(c.folder, "push")
	c.sketch.env["GREETING"] = "hello"
	if err := c.write(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "moved.plan")
	if r := c.d.cli(c.folder, "plan", "--out", file); r.code != 1 || !strings.Contains(r.out, "env.GREETING changed -> web moves to green, 1 instance\n") {
		t.Fatalf("plan: %s", r)
	}
	job := map[string]any{}
	c.d.askNomad("/v1/job/moved.blue", &job)
	job["Priority"] = 61
	text, err := json.Marshal(map[string]any{"Job": job})
	if err != nil {
		t.Fatal(err)
	}
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.d.info.Nomad+"/v1/jobs", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("change the job in Nomad: %s, %v", answer.Status, err)
	}
	if r := c.d.cli(c.folder, "push", "--plan", file); r.code != 1 || !strings.Contains(r.errOut, "job moved.blue was at index") {
		t.Errorf("push of a plan whose job was changed in Nomad: %s", r)
	}
	if s := c.d.status(c.app); s.Release != 1 || s.Slot != "blue" {
		t.Errorf("after the refusal release %d serves in %s", s.Release, s.Slot)
	}
}

// note counts which kinds of plan there were: a test in which none walks proves little.
func (c *chain) note(plan planned) {
	switch {
	case plan.Nothing:
		c.seen["nothing"]++
	case plan.Walk:
		c.seen["walk"]++
	default:
		c.seen["in place"]++
	}
	for _, f := range plan.fates() {
		for kind, n := range map[string]int{"stay": f.Stay, "changed in place": f.InPlace, "replaced": f.Replaced, "created": f.Created, "destroyed": f.Destroyed} {
			c.seen["instances "+kind] += n
		}
	}
}

// buildTask builds the program that the specs run.
func buildTask(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "task")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./task")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build task: %v\n%s", err, out)
	}
	return path
}

func number(name string, other int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return other
	}
	return n
}
