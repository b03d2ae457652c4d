package integration_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// verdict is what `crumpet cluster verify --json` says.
type verdict struct {
	App    string
	OK     bool
	Checks []struct{ Name, Status, Found, Next string }
}

func (v verdict) of(name string) string {
	for _, c := range v.Checks {
		if c.Name == name {
			return c.Status
		}
	}
	return "missing"
}

// TestVerify: a canary goes through everything and leaves nothing behind, also when it is interrupted and when a
// program under it does not answer; the doctor tells of that.
func TestVerify(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	dir := t.TempDir()

	var found paas.Checkup
	d.json(&found, dir, "cluster", "status")
	if len(found.Quorums) != 3 || found.Worst == paas.Critical || len(found.Agents) == 0 || found.Agents[0].Settings == nil {
		t.Errorf("a stack that is well: %+v", found)
	}
	for _, f := range found.Findings {
		if f.Severity == paas.NotKnown && f.Subject != paas.OfVersion {
			t.Errorf("not known of a stack that is well: %+v", f)
		}
	}
	if out := d.ok(dir, "cluster", "status"); !strings.Contains(out, "MAY LOSE") {
		t.Errorf("status:\n%s", out)
	}

	out := d.ok(dir, "cluster", "verify")
	t.Logf("verify:\n%s", out)
	if n := strings.Count(out, "\nok  "); n != 10 || strings.Contains(out, "FAILED") || !strings.Contains(out, "The cluster does what it is for.") {
		t.Errorf("%d checks after the first are ok, want 10", n)
	}
	d.nothingOfACanary()

	cmd := d.command(t.Context(), dir, "cluster", "verify", "--json")
	var said strings.Builder
	cmd.Stdout = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the canary is pushed", func() bool { return strings.Contains(d.ok(dir, "teams", "list"), "crumpet-verify") })
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Errorf("interrupted: %v", err)
	}
	var v verdict
	if err := json.Unmarshal([]byte(said.String()), &v); err != nil {
		t.Fatalf("verify --json: %v\n%s", err, &said)
	}
	if v.OK || v.of("destroy") != "ok" || v.of("nothing left") != "ok" {
		t.Errorf("interrupted: %+v", v)
	}
	d.nothingOfACanary()

	// A router that is stopped accepts connections and says nothing.
	if err := d.read(); err != nil {
		t.Fatal(err)
	}
	router := d.info.Pids["router"]
	if err := syscall.Kill(router, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(router, syscall.SIGCONT) //nolint:errcheck // it may have gone on already
	d.until(time.Minute, "the doctor misses the router", func() bool {
		r := d.cli(dir, "cluster", "status", "--json")
		found = paas.Checkup{}
		return json.Unmarshal([]byte(r.out), &found) == nil && r.code == 1 && found.Worst == paas.Critical
	})
	if f := found.Findings[0]; f.Subject != paas.OfDrift || !strings.Contains(f.Found, "router") || f.Next == "" {
		t.Errorf("of the router: %+v", f)
	}
	d.until(time.Minute, "verify fails at once", func() bool {
		r := d.cli(dir, "cluster", "verify", "--json")
		v = verdict{}
		return json.Unmarshal([]byte(r.out), &v) == nil && r.code == 1 && v.of("push") == "missing"
	})
	if err := syscall.Kill(router, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "all is well again", func() bool { return d.cli(dir, "cluster", "status").code == 0 })
}

// nothingOfACanary: no team, no job, no service.
func (d *dev) nothingOfACanary() {
	d.t.Helper()
	if out := d.ok(d.t.TempDir(), "teams", "list"); strings.Contains(out, "crumpet-verify") {
		d.t.Errorf("a team is left:\n%s", out)
	}
	for _, at := range []string{d.info.Nomad + "/v1/jobs?namespace=*", d.info.Consul + "/v1/catalog/services", d.info.Consul + "/v1/kv/fabio/?recurse&keys"} {
		var body string
		defer func() {
			if d.t.Failed() {
				d.t.Logf("%s says:\n%s", at, body)
			}
		}()
		d.until(time.Minute, "nothing of a canary is left at "+at, func() bool {
			_, body = d.get(at, "")
			if !strings.Contains(at, "/jobs") {
				return !strings.Contains(body, "canary-")
			}
			var jobs []struct {
				ID     string
				Status string
			}
			if err := json.Unmarshal([]byte(body), &jobs); err != nil {
				return false
			}
			for _, j := range jobs { // Nomad remembers a job that has ended for some hours
				if strings.HasPrefix(j.ID, "canary-") && j.Status != "dead" {
					return false
				}
			}
			return true
		})
	}
}
