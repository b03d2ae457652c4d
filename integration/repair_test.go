package integration_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// put sends a body to a backend, as an operator with curl does.
func (d *dev) put(url, body string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	d.did(req)
}

func (d *dev) did(req *http.Request) {
	d.t.Helper()
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		d.t.Fatalf("%s %s: %d %s %v", req.Method, req.URL, answer.StatusCode, text, err)
	}
}

// nomadJob reads a job, nil if there is none that is not stopped.
func (d *dev) nomadJob(id string) map[string]any {
	d.t.Helper()
	code, body := d.get(d.info.Nomad+"/v1/job/"+id, "")
	if code == http.StatusNotFound {
		return nil
	}
	var job map[string]any
	if err := json.Unmarshal([]byte(body), &job); err != nil || code != http.StatusOK {
		d.t.Fatalf("job %s: %d %s", id, code, body)
	}
	if stopped, _ := job["Stop"].(bool); stopped {
		return nil
	}
	return job
}

// TestRepair: what somebody else does to an app's jobs is put back by itself; a key that freezes the
// routers is put aside by itself; jobs, services and keys that nothing names are shown by repair, and
// gone after it. All the while the app answers.
func TestRepair(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := t.TempDir()
	write(t, filepath.Join(app, "index.html"), "<h1>release 1</h1>\n")
	write(t, filepath.Join(app, "crumpet.hcl"), `app "mended" {
  build { builder = "static" }

  process "web" {
    instances   = 2
    memory      = "64MiB"
    port "http" {}
    route "mended.localhost/" {}
    min_healthy = "1s"
  }
}
`)
	d.ok(app, "push")
	if out := d.ok(app, "repair"); out != "Everything is as it is wished.\n" {
		t.Errorf("repair of what was just pushed: %s", out)
	}
	l := startLoad(t, d.info.Router, "mended.localhost", 50, 20_000)
	d.scaledByHand()
	d.frozenByHand(app)
	d.orphansByHand(app)
	if out := d.ok(app, "repair", "mended"); out != "Everything is as it is wished.\n" {
		t.Errorf("repair at the end: %s", out)
	}
	l.end(t)
	d.purgedByHand()
}

// count is how many web instances a job is to have.
func count(job map[string]any) int {
	groups, _ := job["TaskGroups"].([]any)
	if len(groups) == 0 {
		return -1
	}
	group, _ := groups[0].(map[string]any)
	n, _ := group["Count"].(float64)
	return int(n)
}

// scaledByHand is `nomad job scale mended.blue web 4`.
func (d *dev) scaledByHand() {
	d.t.Helper()
	d.put(d.info.Nomad+"/v1/job/mended.blue/scale", `{"Count": 4, "Target": {"Group": "web"}, "Message": "by hand"}`)
	d.until(time.Minute, "Crumpet has put the count back", func() bool { return count(d.nomadJob("mended.blue")) == 2 })
	d.until(time.Minute, "two instances run", func() bool { return running(d.status("mended")) == 2 })
	if events := d.ok(d.home, "events", "mended", "--kind", "app.drift"); !strings.Contains(events, "mended.blue") {
		d.t.Errorf("the events do not tell of it:\n%s", events)
	}
}

// frozenByHand writes keys that no router can read where Crumpet's rules stand.
func (d *dev) frozenByHand(app string) {
	d.t.Helper()
	for _, key := range []string{"default/mended", "loose"} {
		d.put(d.info.Consul+"/v1/kv/fabio/config/crumpet/"+key, "route wieght mended by hand")
	}
	d.until(time.Minute, "both keys are put aside", func() bool {
		_, keys := d.get(d.info.Consul+"/v1/kv/crumpet/quarantine/?keys", "")
		return strings.Contains(keys, "crumpet/default/mended/") && strings.Contains(keys, "crumpet/loose/") && d.rule("mended") == ""
	})
	d.until(time.Minute, "the app's events tell of its key", func() bool {
		return strings.Contains(d.ok(d.home, "events", "mended", "--kind", "rule.quarantined"), "freezes the table of every router")
	})
	// The routers follow again: a push is routed.
	write(d.t, filepath.Join(app, "index.html"), "<h1>release 2</h1>\n")
	d.ok(app, "push")
	d.answersFrom("mended.localhost", 20, map[int][2]int{2: {20, 20}})
}

// orphansByHand leaves a copy of the app's job, a service, a key of no app, and one of somebody else that
// freezes the routers.
func (d *dev) orphansByHand(app string) {
	d.t.Helper()
	live := d.status("mended").Slot
	text, err := json.Marshal(map[string]any{"Job": d.nomadJob("mended." + live)})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range []string{"mended." + live, "default--mended--"} { // not the host of its route
		text = bytes.ReplaceAll(text, []byte(name), []byte(strings.Replace(name, "mended", "ghost", 1)))
	}
	text = bytes.ReplaceAll(text, []byte("mended.localhost"), []byte("ghost.localhost"))
	d.put(d.info.Nomad+"/v1/jobs", string(text))
	d.put(d.info.Consul+"/v1/agent/service/register", `{"ID": "by-hand", "Name": "default--mended--old--blue", "Port": 9}`)
	d.put(d.info.Consul+"/v1/kv/fabio/config/crumpet/default/nobody", "route add crumpet-fence crumpet.invalid/default/nobody/d1 http://127.0.0.1:9/")
	d.put(d.info.Consul+"/v1/kv/fabio/config/by-hand", "weights of somebody else")
	want := map[string]string{
		"ghost." + live: "job.orphan", "by-hand": "service.orphan",
		"fabio/config/crumpet/default/nobody": "rule.orphan", "fabio/config/by-hand": "rule.bad",
	}
	type finding struct{ Kind, App, Thing, Status, Reason string }
	var found struct{ Items []finding }
	read := func(r result) map[string]string {
		d.t.Helper()
		if err := json.Unmarshal([]byte(r.out), &found); err != nil {
			d.t.Fatalf("repair --json: %v %s", err, r)
		}
		kinds := map[string]string{}
		for _, f := range found.Items {
			kinds[f.Thing] = f.Kind
		}
		return kinds
	}
	var r result
	d.until(time.Minute, "repair finds all four", func() bool {
		r = d.cli(app, "repair", "--json")
		kinds := read(r)
		for thing, kind := range want {
			if kinds[thing] != kind {
				return false
			}
		}
		return true
	})
	if r.code != 1 || found.Items[0].Status != "found" {
		d.t.Errorf("found and not healed: %s", r)
	}
	r = d.cli(app, "repair", "--yes", "--json")
	kinds := read(r)
	for thing, kind := range want {
		if kinds[thing] != kind {
			d.t.Errorf("%s %s was not healed: %s", kind, thing, r)
		}
	}
	for _, f := range found.Items {
		if f.Status != "healed" {
			d.t.Errorf("%s %s is %s: %s", f.Kind, f.Thing, f.Status, f.Reason)
		}
	}
	if r.code != 0 {
		d.t.Errorf("healed: %s", r)
	}
	if d.nomadJob("ghost."+live) != nil {
		d.t.Error("the orphan stands in Nomad")
	}
	if _, services := d.get(d.info.Consul+"/v1/agent/services", ""); strings.Contains(services, "by-hand") {
		d.t.Error("the orphan stands in Consul")
	}
	if _, text := d.get(d.info.Consul+"/v1/kv/crumpet/quarantine/fabio/config/by-hand?recurse&keys", ""); !strings.Contains(text, "by-hand") {
		d.t.Errorf("what was put aside is gone: %s", text)
	}
}

// purgedByHand is `nomad job stop -purge`: nothing serves until Crumpet has put the job back.
func (d *dev) purgedByHand() {
	d.t.Helper()
	live := d.status("mended").Slot
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodDelete, d.info.Nomad+"/v1/job/mended."+live+"?purge=true", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.did(req)
	if r := d.cli(d.home, "repair", "mended", "--yes"); r.code != 0 {
		d.t.Errorf("repair of a purged job: %s", r)
	}
	d.until(2*time.Minute, "the app serves again", func() bool {
		s := d.status("mended")
		return running(s) == 2 && s.Status == "running"
	})
	d.answersFrom("mended.localhost", 20, map[int][2]int{2: {20, 20}})
}
