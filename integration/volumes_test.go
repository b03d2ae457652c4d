package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"
)

// keeper is an app with a process that keeps a diary in its volume, and one beside it without. Every start writes a
// line; pages show what is kept, and hold a lock so that two programs in one folder would be caught.
const keeperMain = `package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	dir := os.Getenv("VOLUME_DATA")
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fmt.Fprintln(os.Stderr, "somebody else has the folder:", err)
		os.Exit(3)
	}
	diary, err := os.OpenFile(filepath.Join(dir, "diary"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(diary, "number %s release %s\n", os.Getenv("NOMAD_ALLOC_INDEX"), os.Getenv("NUMBER"))
	if os.Getenv("SICK") != "" {
		os.Exit(4)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		text, _ := os.ReadFile(filepath.Join(dir, "diary"))
		fmt.Fprintf(w, "serving %s of release %s\n%s", os.Getenv("NOMAD_ALLOC_INDEX"), os.Getenv("NUMBER"), text)
	})
	http.HandleFunc("/write/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(diary, r.URL.Path[len("/write/"):])
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

func keeper(t testing.TB, app string, release int, more string) {
	keeperBeside(t, app, release, more, "")
}

// keeperBeside has another process beside it.
func keeperBeside(t testing.TB, app string, release int, more, beside string) {
	t.Helper()
	write(t, filepath.Join(app, "go.mod"), "module keeper\n\ngo 1.24\n")
	write(t, filepath.Join(app, "main.go"), keeperMain)
	write(t, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf(`app "keeper" {
  process "db" {
    command = ["./keeper"]
    memory  = "64MiB"
    port "http" {}
    route "keeper.localhost/" {}
    shutdown_delay = "1s"
    startup        = "20s"
    env = {
      NUMBER = "%d"
      %s
    }
    volume "data" {
      size  = "10MiB"
      mount = "/data"
    }
  }
%s}
`, release, more, beside))
}

// TestVolumes: what a process writes to its volume is there after a deploy, a restart, a rollback, a stop and a lost
// node; every instance has its own; none is deleted but by hand.
func TestVolumes(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "keeper")
	diary := func() []string {
		t.Helper()
		var body string
		d.until(time.Minute, "the diary is shown", func() bool {
			var code int
			code, body = d.page("keeper.localhost", "/")
			return code == 200
		})
		return strings.Split(strings.TrimSpace(body), "\n")
	}
	written := []string{}
	has := func(what string, release int, lines ...string) {
		t.Helper()
		written = append(written, lines...)
		want := append([]string{fmt.Sprintf("serving 0 of release %d", release)}, written...)
		if got := diary(); !slices.Equal(got, want) {
			t.Fatalf("after %s the diary says %q, want %q", what, got, want)
		}
	}

	keeper(t, app, 1, "")
	d.ok(app, "push")
	d.page("keeper.localhost", "/write/kept")
	has("the first push", 1, "number 0 release 1", "kept")

	keeper(t, app, 2, "")
	plan := d.cli(app, "plan")
	if !strings.Contains(plan.out, "db is stopped first: for about") {
		t.Errorf("the plan does not say what stop-first means:\n%s", plan)
	}
	d.ok(app, "push")
	has("another push", 2, "number 0 release 2")
	d.ok(app, "restart")
	has("a restart", 2, "number 0 release 2")
	d.ok(app, "stop")
	d.ok(app, "start")
	has("a stop and a start", 2, "number 0 release 2")
	d.ok(app, "rollback")
	has("a rollback", 1, "number 0 release 1")

	keeper(t, app, 4, `SICK = "1"`)
	if r := d.cli(app, "push"); r.code == 0 {
		t.Fatalf("a push of a release that fails went well: %s", r)
	}
	has("a push that failed", 1, sickStarts(diary())...)
}

// TestVolumesStay: every number of an instance has a volume of its own, which it finds again wherever it went; with
// its node it waits; beside it a process without one walks without a gap. A volume ends by hand only.
func TestVolumesStay(t *testing.T) {
	t.Parallel()
	d := startNodes(t, 2)
	app := filepath.Join(t.TempDir(), "keeper")
	front := func(release int) string {
		return fmt.Sprintf(`
  process "web" {
    command        = ["./front"]
    memory         = "64MiB"
    shutdown_delay = "2s"
    port "http" {}
    route "front.localhost/" {}
    env = { NUMBER = "%d" }
  }
`, release)
	}
	push := func(release int) {
		t.Helper()
		keeperBeside(t, app, release, "", front(release))
		write(t, filepath.Join(app, "front", "main.go"), frontMain)
		write(t, filepath.Join(app, "main.go"), keeperMain)
		d.ok(app, "push")
	}
	// Every instance of db is asked by its own address: a router takes any.
	diaries := func() map[int][]string {
		t.Helper()
		found := map[int][]string{}
		for _, i := range d.status("keeper").Instances {
			if i.Process != "db" || i.State != "running" || i.Health != "healthy" {
				continue
			}
			var a nomadapi.Allocation
			d.askNomad("/v1/allocation/"+i.ID, &a)
			number, _ := strconv.Atoi(strings.Trim(a.Name[strings.LastIndexByte(a.Name, '['):], "[]")) // Nomad made it
			for _, port := range a.AllocatedResources.Shared.Ports {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port.Value), nil)
				if err != nil {
					t.Fatal(err)
				}
				if code, body := answerTo(req); code == http.StatusOK {
					found[number] = strings.Split(strings.TrimSpace(body), "\n")[1:]
				}
			}
		}
		return found
	}
	show := func(what string, want map[int][]string) {
		t.Helper()
		var got map[int][]string
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			if got = diaries(); cmp.Equal(got, want) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited a minute until %s (-want +got):\n%s", what, cmp.Diff(want, got))
			}
		}
	}

	push(1)
	one := []string{"number 0 release 1"}
	show("the first keeps a diary", map[int][]string{0: one})
	rate, _ := size()
	load := startLoad(t, d.info.Router, "front.localhost", rate, 100_000)
	push(2)
	one = append(one, "number 0 release 2")
	show("the next release finds it", map[int][]string{0: one})
	load.end(t)

	d.ok(app, "scale", "db=2")
	two := []string{"number 1 release 2"}
	show("another has one of its own", map[int][]string{0: one, 1: two})
	d.ok(app, "scale", "db=1")
	show("one is gone", map[int][]string{0: one})
	push(3)
	one = append(one, "number 0 release 3")
	d.ok(app, "scale", "db=2")
	two = append(two, "number 1 release 3")
	show("it finds what it had", map[int][]string{0: one, 1: two})
	push(4)
	one, two = append(one, "number 0 release 4"), append(two, "number 1 release 4")
	show("both are replaced", map[int][]string{0: one, 1: two})

	nodes := map[string]string{}
	for _, v := range d.volumes("keeper") {
		nodes[v.Name] = v.Node
		if v.Status != "ready" || len(v.UsedBy) != 1 {
			t.Errorf("volume %s is %s, used by %q", v.Name, v.Status, v.UsedBy)
		}
	}
	away := slices.IndexFunc([]string{nodes["keeper--db--data[0]"], nodes["keeper--db--data[1]"]}, func(n string) bool { return n == "dev-2" })
	if len(nodes) != 2 || away < 0 {
		t.Fatalf("the volumes are not spread over the nodes: %v", nodes)
	}
	// At once: Nomad's own deployment would not have ended by now, and one that fails keeps the instance away for good.
	d.killClient("dev-2")
	d.givenUp("dev-2")
	said := ""
	waits := func() bool {
		said = d.cli(app, "why").out
		waits := fmt.Sprintf("db.%d waits for node dev-2, which has its volume and is ", away)
		return strings.Contains(said, waits+"down") || strings.Contains(said, waits+"disconnected") // as web there asks Nomad to
	}
	for deadline := time.Now().Add(time.Minute); !waits(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("why does not say that an instance waits for its node:\n%s\n%s", said, d.ok(app, "status"))
		}
	}
	if r := d.cli(app, "volumes", "delete", fmt.Sprintf("keeper--db--data[%d]", away), "--confirm", "keeper"); r.code == 0 {
		t.Errorf("a volume that an instance waits for was deleted: %s", r)
	}
	d.reviveNode("dev-2")
	lists := []*[]string{&one, &two}
	*lists[away] = append(*lists[away], fmt.Sprintf("number %d release 4", away))
	show("it is back with its node", map[int][]string{0: one, 1: two})
	for _, v := range d.volumes("keeper") {
		if nodes[v.Name] != v.Node {
			t.Errorf("volume %s moved from %s to %s", v.Name, nodes[v.Name], v.Node)
		}
	}

	if out := d.ok(app, "destroy", "--yes"); !strings.Contains(out, "2 volumes of it stay") {
		t.Errorf("destroy does not say that volumes stay: %s", out)
	}
	push(1)
	one = append(one, "number 0 release 1")
	show("an app of the same name finds them", map[int][]string{0: one})
	if r := d.cli(app, "volumes", "delete", "keeper--db--data[1]", "--confirm", "other"); r.code == 0 || len(d.volumes("keeper")) != 2 {
		t.Errorf("a volume was deleted under another name: %s", r)
	}
	d.ok(app, "volumes", "delete", "keeper--db--data[1]", "--confirm", "keeper")
	d.ok(app, "scale", "db=2")
	show("what was deleted is empty", map[int][]string{0: one, 1: {"number 1 release 1"}})
	if out := d.ok(app, "destroy", "--yes", "--volumes"); !strings.Contains(out, "Volume keeper--db--data[0] is deleted") {
		t.Errorf("destroy with --volumes says: %s", out)
	}
	if left := d.volumes(""); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

const frontMain = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getenv("NUMBER")) })
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

type volume struct {
	Name, Node, Status string
	UsedBy             []string `json:"used_by"`
}

func (d *dev) volumes(app string) []volume {
	d.t.Helper()
	var list struct{ Items []volume }
	args := []string{"volumes", "list"}
	if app != "" {
		args = append(args, app)
	}
	d.json(&list, d.home, args...)
	return list.Items
}

// sickStarts are the lines that a release which fails has written, and the one of the release that came back.
func sickStarts(lines []string) []string {
	at := slices.Index(lines, "number 0 release 4")
	if at < 0 {
		return nil
	}
	return lines[at:]
}
