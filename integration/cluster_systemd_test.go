//go:build linux

package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/integration/lab"
)

// TestClusterSystemd: agents as hardened units of systemd, and Vault opened by the key of another one. What dies is
// started again, a machine that lost its power comes back whole, and nobody has to be there for it.
func TestClusterSystemd(t *testing.T) {
	t.Run("one_machine", allInOne)
	t.Run("machines_apart", apart)
}

// unitCluster is a cluster of units on a lab, with one app.
type unitCluster struct {
	*labCluster
	transit *transit
}

// newUnitCluster makes one of a shape that says which hosts it has.
func newUnitCluster(t *testing.T, shape labShape) *unitCluster {
	t.Helper()
	u := &unitCluster{}
	shape.init = lab.Systemd
	shape.seal = func(c *labCluster) string {
		u.transit = startTransit(t, c.lab.Gateway())
		c.write("transit.token", u.transit.token()+"\n")
		return fmt.Sprintf(`seal "transit" {
  settings   = { address = "https://%s", key_name = "crumpet", mount_path = "transit/" }
  token_file = "transit.token"
  ca_file    = %q
}
`, u.transit.address, u.transit.authority())
	}
	u.labCluster = newLabClusterOf(t, shape)
	return u
}

// allInOne is a cluster on a machine that is server and client both.
func allInOne(t *testing.T) {
	u := newUnitCluster(t, labShape{servers: []string{"one"}, clients: []string{"one"}})
	u.planned()
	u.made()
	for _, unit := range u.units("one") {
		u.unitKilled("one", unit)
	}
	u.powerCut()
	u.transitAway("one")
	u.darkBoot("one")
	u.ended()
	u.nothingLeft()
}

// apart is one on a server that is no client, whose Nomad is hardened too, and a client.
func apart(t *testing.T) {
	u := newUnitCluster(t, labShape{servers: []string{"server-1"}, clients: []string{"client-1"}})
	u.made()
	for _, h := range u.lab.Hosts() {
		u.unitKilled(h.Name, "nomad")
		u.unitKilled(h.Name, "consul")
	}
	u.powerCut()
	u.ended()
	u.nothingLeft()
}

// made makes it, and has it do its work.
func (u *unitCluster) made() {
	u.t.Helper()
	began := time.Now()
	u.timed(u.events(u.ok("up", "--json")))
	u.t.Logf("up took %s", time.Since(began).Round(100*time.Millisecond))
	u.unchanged()
	u.exposed()
	u.verified()
	u.pushed()
}

// ended has it do all that it is there for once more, and takes it away.
func (u *unitCluster) ended() {
	u.t.Helper()
	u.unchanged()
	u.verified()
	u.destroyed()
}

// units are the names of a host's, without what they all have.
func (u *unitCluster) units(host string) []string {
	u.t.Helper()
	// crumpet-host-keys is an image's own, and does its work once.
	out, err := u.lab.Host(host).Console("systemctl list-units --all --plain --no-legend 'crumpet-*.service' | cut -d' ' -f1 | grep -v host-keys || true")
	if err != nil {
		u.t.Fatalf("%v\n%s", err, out)
	}
	var names []string
	for unit := range strings.FieldsSeq(out) {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(unit, "crumpet-"), ".service"))
	}
	return names
}

// exposed prints what systemd thinks of each unit, all of which are active.
func (u *unitCluster) exposed() {
	u.t.Helper()
	for _, h := range u.lab.Hosts() {
		for _, unit := range u.units(h.Name) {
			out, err := h.Console("systemctl is-active crumpet-" + unit + "; systemctl is-enabled crumpet-" + unit +
				"; systemd-analyze security --no-pager crumpet-" + unit + ".service | tail -n 1 | sed 's/[^ -~]//g'")
			if err != nil || !strings.HasPrefix(out, "active\nenabled\n") {
				u.t.Errorf("unit crumpet-%s on %s: %v, %s", unit, h.Name, err, out)
			}
			u.t.Logf("%s %-8s %s", h.Name, unit, strings.Join(strings.Fields(out), " "))
		}
	}
}

const unitApp = "hello"

// pushed has an app of two instances under the driver exec, whose answers tell that the cluster does its work.
func (u *unitCluster) pushed() {
	u.t.Helper()
	greeter(u.t, filepath.Join(u.dir, unitApp), unitApp, unitApp+".apps.lab", "hello")
	if _, err := u.crumpet("", "push", unitApp); err != nil {
		u.t.Fatal(err)
	}
	u.until("the app answers", u.answers)
}

// answers asks the router of each client for the app.
func (u *unitCluster) answers() error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, name := range u.shape.clients {
		req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, "http://"+u.lab.Host(name).Address+"/", nil)
		if err != nil {
			return err
		}
		req.Host = unitApp + ".apps.lab"
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // it was read to its end
		if err == nil && (answer.StatusCode != http.StatusOK || string(text) != "hello") {
			err = fmt.Errorf("the app answers %s: %.200s", answer.Status, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// works asks a unit for what it is there for, on its host.
func (u *unitCluster) works(host, unit string) error {
	out, err := u.lab.Host(host).Console(unitWorks[unit])
	if err != nil {
		return fmt.Errorf("%s on %s: %w: %s", unit, host, err, out)
	}
	return nil
}

const (
	askAgents = "curl -fsS --max-time 5 --cacert /etc/crumpet/tls/ca.pem "
	asAgent   = "--cert /etc/crumpet/tls/%[1]s.pem --key /etc/crumpet/tls/%[1]s-key.pem "
)

var unitWorks = map[string]string{
	"consul": askAgents + fmt.Sprintf(asAgent, "consul") + "https://127.0.0.1:8501/v1/status/leader | grep :8300",
	"nomad":  askAgents + fmt.Sprintf(asAgent, "nomad") + "https://127.0.0.1:4646/v1/status/leader | grep :4647",
	"vault":  askAgents + "'https://127.0.0.1:8200/v1/sys/health?standbyok=true'",
	"relay":  askAgents + "--resolve vault.service.consul:8200:127.0.0.2 'https://vault.service.consul:8200/v1/sys/health?standbyok=true'",
	"jwks":   askAgents + "https://127.0.0.1:4651/.well-known/jwks.json | grep kid",
}

// whole is when the app answers, every unit does its work, a checkup finds nothing critical, and up nothing to do.
func (u *unitCluster) whole() error {
	if err := u.answers(); err != nil {
		return err
	}
	for _, h := range u.lab.Hosts() {
		for _, unit := range u.units(h.Name) {
			if err := u.works(h.Name, unit); err != nil {
				return err
			}
		}
	}
	if _, err := u.crumpet("", "cluster", "status"); err != nil {
		return err
	}
	_, err := u.run("up", "--plan") // its exit code is 1 when there are changes
	return err
}

// until waits, and gives how long it took.
func (u *unitCluster) until(what string, ok func() error) time.Duration {
	u.t.Helper()
	began := time.Now()
	for ; ; time.Sleep(200 * time.Millisecond) {
		err := ok()
		if err == nil {
			return time.Since(began).Round(100 * time.Millisecond)
		}
		if time.Since(began) > 4*time.Minute {
			u.t.Fatalf("waited %s until %s: %v", time.Since(began).Round(time.Second), what, err)
		}
	}
}

func (u *unitCluster) console(host, script string) string {
	u.t.Helper()
	out, err := u.lab.Host(host).Console(script)
	if err != nil {
		u.t.Fatalf("on %s: %s: %v\n%s", host, script, err, out)
	}
	return strings.TrimSpace(out)
}

// unitKilled has the process of a unit killed: systemd starts another, and the cluster is whole by itself. Meanwhile the
// app goes on, whichever it was.
func (u *unitCluster) unitKilled(host, unit string) {
	u.t.Helper()
	ask := "systemctl show --value -p MainPID crumpet-" + unit
	before := u.console(host, ask)
	u.console(host, "kill -9 "+before)
	if err := u.answers(); err != nil {
		u.t.Errorf("right after %s was killed: %v", unit, err)
	}
	back := u.until(unit+" works again", func() error {
		if after := u.console(host, ask); after == before || after == "0" {
			return fmt.Errorf("its process is %s, and was %s", after, before)
		}
		return u.works(host, unit)
	})
	whole := u.until("the cluster is whole after "+unit+" was killed", u.whole)
	u.t.Logf("%s on %s was killed: it worked again after %s, and %s later the cluster was found whole", unit, host, back, whole)
}

// powerCut takes the power of all machines away, and gives it back.
func (u *unitCluster) powerCut() {
	u.t.Helper()
	for _, h := range u.lab.Hosts() {
		h.Kill()
	}
	for _, h := range u.lab.Hosts() {
		h.Boot()
	}
	answered := u.until("the app answers after a power cut", u.answers)
	whole := u.until("the cluster is whole after a power cut", u.whole)
	u.t.Logf("all lost their power: the app answered %s after the last sshd did, and %s later the cluster was found whole", answered, whole)
}

// transitAway has Vault start while the other Vault is away: what is told names it, and it opens when that is back.
func (u *unitCluster) transitAway(host string) {
	u.t.Helper()
	u.transit.stop()
	u.console(host, "systemctl restart crumpet-vault")
	if err := u.answers(); err != nil {
		u.t.Errorf("while Vault is sealed: %v", err)
	}
	_, err := u.run("up", "--json")
	u.t.Logf("up while the other Vault is away: %v", err)
	if err == nil || !strings.Contains(err.Error(), u.transit.address) {
		u.t.Errorf("up does not tell that %s is away: %v", u.transit.address, err)
	}
	out, err := u.crumpet("", "cluster", "status")
	u.t.Logf("status while the other Vault is away: %v\n%s", err, out)
	if err == nil || !strings.Contains(out, "journalctl -u crumpet-vault") {
		u.t.Errorf("status does not say that Vault is away, and where to look: %v", err)
	}
	u.transit.run()
	u.transit.unseal()
	opened := u.until("Vault is open again", u.whole)
	u.t.Logf("the other Vault was back: the cluster was whole after %s", opened)
}

// darkBoot has a machine boot while the other Vault is away: Nomad waits for a Vault that is open, since it gives up tasks
// that find none. When the other is back, all comes by itself.
func (u *unitCluster) darkBoot(host string) {
	u.t.Helper()
	u.transit.stop()
	h := u.lab.Host(host)
	h.Kill()
	h.Boot()
	u.until("Vault has given up once", func() error {
		if n := u.console(host, "systemctl show --value -p NRestarts crumpet-vault"); n == "0" {
			return fmt.Errorf("it was started again %s times", n)
		}
		return nil
	})
	if is := u.console(host, "systemctl is-active crumpet-relay crumpet-nomad; true"); is != "activating\ninactive" {
		u.t.Errorf("while no Vault is open, the relay and Nomad are %q", is)
	}
	u.transit.run()
	u.transit.unseal()
	answered := u.until("the app answers after a boot without the other Vault", u.answers)
	whole := u.until("the cluster is whole after a boot without the other Vault", u.whole)
	u.t.Logf("the other Vault was back after a boot without it: the app answered after %s, and %s later the cluster was found whole", answered, whole)
}

// nothingLeft: no unit, no program and no configuration is left by destroy, and systemd has nothing to complain about.
func (u *unitCluster) nothingLeft() {
	u.t.Helper()
	for _, h := range u.lab.Hosts() {
		out := u.console(h.Name, `systemctl list-units --all --plain --no-legend 'crumpet-*'; systemctl list-unit-files --no-legend 'crumpet-*'
ls -d /etc/systemd/system/*/crumpet-* /etc/systemd/system/crumpet-* /etc/crumpet /opt/crumpet /var/lib/crumpet 2>/dev/null; true`)
		if out != "" {
			u.t.Errorf("on %s destroy has left:\n%s", h.Name, out)
		}
		if slices.Contains(u.shape.servers, h.Name) {
			u.console(h.Name, "test -s /var/log/crumpet/vault/audit.log") // what was done of old can still be told
		}
	}
}
