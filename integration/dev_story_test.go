package integration_test

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDevKeepsItsState: after the end of dev and a new start on the same folder, the apps serve again by
// themselves, at the same addresses and in the same releases.
func TestDevKeepsItsState(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	d.checkInfo()
	app := newHello(t, d)
	d.ok(app, "push")
	home := t.TempDir()
	d.ok(home, "init", "--template", "static-site", "pages")
	pages := d.command(t.Context(), filepath.Join(home, "pages"), "push")
	if err := pages.Start(); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(app, "crumpet.hcl"), "Hello from hello", "Good evening")
	d.ok(app, "push")
	if err := pages.Wait(); err != nil {
		t.Fatalf("push of the static site: %v", err)
	}
	before := d.info

	d.stop()
	if _, err := os.Stat(filepath.Join(d.dir, "dev.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dev.json is left at the end: %v", err)
	}
	if left := d.processes(); len(left) > 0 {
		t.Errorf("processes left at the end: %v", left)
	}

	d.start()
	d.checkInfo()
	now := d.info
	now.Pids, before.Pids = nil, nil
	if now.Addr != before.Addr || now.Nomad != before.Nomad || now.Consul != before.Consul || now.Vault != before.Vault ||
		now.Router != before.Router || now.Fabio != before.Fabio || now.Token != before.Token || !maps.Equal(now.Stack, before.Stack) {
		t.Errorf("addresses changed: %+v, were %+v", now, before)
	}
	d.serves("hello", "Good evening", 2)
	d.serves("pages", "This folder is served by Crumpet", 1)
	if again := d.ok(app, "push"); !strings.Contains(again, "release 2 is serving") {
		t.Errorf("a push of the same after the restart: %s", again)
	}
}

// checkInfo checks that dev.json tells its owner, and nobody else, all there is to know.
func (d *dev) checkInfo() {
	d.t.Helper()
	info, err := os.Stat(filepath.Join(d.dir, "dev.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		d.t.Errorf("dev.json has mode %v", info.Mode())
	}
	if d.info.Token == "" {
		d.t.Error("dev.json has no token")
	}
	for name, url := range map[string]string{
		"addr": d.info.Addr, "nomad": d.info.Nomad, "consul": d.info.Consul, "vault": d.info.Vault, "router": d.info.Router, "fabio": d.info.Fabio,
	} {
		if !strings.HasPrefix(url, "http://127.0.0.1:") {
			d.t.Errorf("dev.json: %s is %q", name, url)
		}
	}
	for _, name := range []string{"dev", "server", "nomad", "consul", "vault", "router"} {
		if err := syscall.Kill(d.info.Pids[name], 0); d.info.Pids[name] == 0 || err != nil {
			d.t.Errorf("dev.json: pid %d of %s: %v", d.info.Pids[name], name, err)
		}
	}
	for _, name := range []string{"nomad", "consul", "vault", "fabio"} {
		if got := d.info.Stack[name]; got == "" || (stack == "embedded") != (got == "embedded") {
			d.t.Errorf("dev.json: %s is %q with --stack %s", name, got, stack)
		}
	}
}

// serves waits until an app shows a text, as a given release, with all its instances.
func (d *dev) serves(app, text string, release int) {
	d.t.Helper()
	var code int
	var body string
	if !d.eventually(45*time.Second, func() bool {
		code, body = d.page(app+".localhost", "/")
		return code == http.StatusOK && strings.Contains(body, text)
	}) {
		d.t.Fatalf("%s does not show %q again: %d %s\n%+v", app, text, code, body, d.status(app))
	}
	var s status
	if !d.eventually(30*time.Second, func() bool { s = d.status(app); return s.Status == "running" && s.whole() }) || s.Release != release {
		d.t.Errorf("%s, which shall run release %d: %+v", app, release, s)
	}
}

// whole says whether every process has the instances it wants.
func (s status) whole() bool {
	for _, p := range s.Processes {
		if p.Healthy != p.Wanted {
			return false
		}
	}
	return len(s.Processes) > 0
}

// TestTwoDevsSideBySide: two stacks on one machine hold apps of the same name and know nothing of each other.
func TestTwoDevsSideBySide(t *testing.T) {
	t.Parallel()
	first, second := startDev(t), startDev(t)
	for _, pair := range [][2]string{
		{first.info.Addr, second.info.Addr},
		{first.info.Router, second.info.Router},
		{first.info.Nomad, second.info.Nomad},
		{first.info.Consul, second.info.Consul},
		{first.info.Vault, second.info.Vault},
		{first.info.Fabio, second.info.Fabio},
		{first.info.Token, second.info.Token},
	} {
		if pair[0] == pair[1] {
			t.Errorf("the stacks share %s", pair[0])
		}
	}
	for d, greeting := range map[*dev]string{first: "I am the first", second: "I am the second"} {
		app := newHello(t, d)
		edit(t, filepath.Join(app, "crumpet.hcl"), "Hello from hello", greeting)
		d.ok(app, "push")
	}
	first.serves("hello", "I am the first", 1)
	second.serves("hello", "I am the second", 1)

	if code, body := first.get(second.info.Addr+"/v1/apps", first.info.Token); code != http.StatusUnauthorized {
		t.Errorf("the second server takes the first one's token: %d %s", code, body)
	}
	r := first.cli(first.home, "dev", "--stack", stack, "--data", first.dir, "--listen", "127.0.0.1:0", "--router", "127.0.0.1:0")
	if r.code != 1 || !strings.Contains(r.errOut, "another crumpet dev") || !strings.Contains(r.errOut, "--data") {
		t.Errorf("a second dev on the same folder: %s", r)
	}
	first.checkInfo() // the refused one touched nothing

	first.stop()
	second.serves("hello", "I am the second", 1)
}

// TestDevKilled: SIGKILL of dev ends everything that it started, tasks too, and the next start serves again.
func TestDevKilled(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	d.ok(newHello(t, d), "push")
	all := d.processes()
	for _, want := range []int{d.info.Pids["server"], d.info.Pids["nomad"], d.info.Pids["consul"], d.info.Pids["vault"], d.info.Pids["router"]} {
		if !slices.ContainsFunc(all, func(p process) bool { return p.pid == want }) {
			t.Errorf("pid %d of dev.json is not among the marked processes %v", want, all)
		}
	}
	if tasks := slices.DeleteFunc(slices.Clone(all), func(p process) bool { return !strings.HasSuffix(p.args[0], "/hello") }); len(tasks) < 3 {
		t.Errorf("tasks among the marked processes: %v", all)
	}

	t.Cleanup(func() {
		if t.Failed() { // what dev left must not stay
			for _, p := range d.processes() {
				_ = syscall.Kill(p.pid, syscall.SIGKILL) // gone already, or gone now
			}
		}
	})
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.done
	d.until(30*time.Second, "no process of the killed dev is left", func() bool {
		return len(d.processes()) == 0 && !slices.ContainsFunc(all, process.alive)
	})
	d.start()
	d.serves("hello", "Hello from hello", 1)
	d.checkInfo()
}

// TestNomadChildKilled: instances outlive the Nomad that started them. No request fails while it is away, and
// the next one adopts them.
func TestNomadChildKilled(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := newHello(t, d)
	d.ok(app, "push")
	before := alive(d.status("hello"))
	if len(before) != 3 {
		t.Fatalf("instances after the push: %v", before)
	}
	l := startLoad(t, d.info.Router, "hello.localhost", 50, 6000)
	killed := d.info.Pids["nomad"]
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "nomad runs again", func() bool { return d.read() == nil && d.info.Pids["nomad"] != killed })

	// The new one must know them as its own: it shall keep them, and add one.
	d.ok(app, "scale", "web=3")
	after := alive(d.status("hello"))
	if len(after) != 4 {
		t.Errorf("instances after scaling from 2 to 3 of web: %v, were %v", after, before)
	}
	for _, id := range before {
		if !slices.Contains(after, id) {
			t.Errorf("instance %s was not adopted: %v", id, after)
		}
		var alloc struct {
			ClientStatus string
			TaskStates   map[string]struct {
				State    string
				Restarts int
			}
		}
		d.askNomad("/v1/allocation/"+id, &alloc)
		for name, task := range alloc.TaskStates {
			if alloc.ClientStatus != "running" || task.State != "running" || task.Restarts != 0 {
				t.Errorf("task %s of %s: %s %+v", name, id, alloc.ClientStatus, task)
			}
		}
	}
	l.end(t)

	// What was adopted can be ended, too.
	d.ok(app, "stop")
	d.until(30*time.Second, "no task is left", func() bool {
		return !slices.ContainsFunc(d.processes(), func(p process) bool { return strings.HasSuffix(p.args[0], "/hello") })
	})
}

// alive are the ids of the instances that run.
func alive(s status) []string {
	var ids []string
	for _, i := range s.Instances {
		if i.State == "running" {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// TestEmptyNomadIsFilledAgain: when Nomad and Consul have lost all they knew, the store alone brings the app back.
func TestEmptyNomadIsFilledAgain(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := newHello(t, d)
	d.ok(app, "push")
	old := alive(d.status("hello"))

	d.stop()
	for _, name := range []string{"nomad", "consul"} {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d.start()
	d.serves("hello", "Hello from hello", 1)
	for _, id := range alive(d.status("hello")) {
		if slices.Contains(old, id) {
			t.Errorf("instance %s can't run any more: its Nomad is gone", id)
		}
	}
	if again := d.ok(app, "push"); !strings.Contains(again, "release 1 is serving") {
		t.Errorf("a push of the same afterwards: %s", again)
	}
	edit(t, filepath.Join(app, "crumpet.hcl"), "Hello from hello", "Good night")
	d.ok(app, "push")
	d.serves("hello", "Good night", 2)
}
