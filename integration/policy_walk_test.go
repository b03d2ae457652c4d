package integration_test

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// inOneWalk has everything done that the other stories leave out: a database with its bindings and keys, a command in an
// instance, one instance replaced, a drain, and an app that goes.
func (g *guarded) inOneWalk(t *testing.T) {
	t.Helper()
	d, home := g.in(t), t.TempDir()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	pgtest.Exec(ctx, t, g.postgres.URL("postgres"), "CREATE ROLE second SUPERUSER LOGIN PASSWORD 'at-first'")
	write(t, filepath.Join(home, "password"), "at-first")
	d.ok(home, "providers", "add", "postgres", "spare", "--url", fmt.Sprintf("postgres://second@127.0.0.1:%d/postgres", g.postgres.Port), "--password-file", "password")
	d.ok(home, "providers", "remove", "spare")
	d.ok(home, "init", "--template", "guestbook", "book")
	app := filepath.Join(home, "book")
	d.ok(app, "push")
	d.ok(app, "config", "set", "COLOUR=blue")
	if out := d.ok(app, "config", "reveal"); !strings.Contains(out, "blue") {
		t.Errorf("reveal: %s", out)
	}
	d.ok(app, "services", "rotate", "book-db")
	d.ok(app, "services", "keys", "create", "book-db", "anna")
	d.ok(app, "services", "keys", "show", "book-db", "anna")
	d.ok(app, "services", "keys", "delete", "book-db", "anna")

	if r := d.cli(app, "exec", "--", "sh", "-c", "echo within"); r.code != 0 || r.out != "within\n" {
		t.Errorf("exec: %s", r)
	}
	d.ok(app, "restart", "--instance", "0")
	d.ok(app, "logs")
	d.ok(app, "metrics")
	d.cli(home, "cluster", "status") // its findings are not what is asked here
	var nodes struct {
		Items []struct{ Name string }
	}
	d.json(&nodes, home, "nodes")
	for _, n := range nodes.Items { // where there is no other node the drain can't end
		d.ok(home, "node", "drain", n.Name, "--detach")
		d.until(time.Minute, "the node takes no more", func() bool {
			_, listed := d.get(d.info.Nomad+"/v1/nodes", "")
			return strings.Contains(listed, `"ineligible"`)
		})
		d.ok(home, "node", "undrain", n.Name)
	}
	g.keeps(t, "chest")
	g.keeps(t, "drawer")
	var volumes struct {
		Items []struct{ Name string }
	}
	d.ok(home, "destroy", "drawer", "--yes")
	d.json(&volumes, home, "volumes", "list", "drawer")
	for _, v := range volumes.Items {
		d.ok(home, "volumes", "delete", v.Name, "--confirm", "drawer")
	}

	// A key that no router can read.
	d.put(d.info.Consul+"/v1/kv/fabio/config/crumpet/loose", "route wieght by hand")
	d.until(time.Minute, "the key is put aside", func() bool {
		_, keys := d.get(d.info.Consul+"/v1/kv/crumpet/quarantine/?keys", "")
		return strings.Contains(keys, "crumpet/loose/")
	})

	gone := newHello(t, d)
	edit(t, filepath.Join(gone, "crumpet.hcl"), `app "hello"`, `app "gone"`)
	edit(t, filepath.Join(gone, "crumpet.hcl"), `hello.localhost`, `gone.localhost`)
	d.ok(gone, "config", "set", "COLOUR=red")
	d.ok(gone, "push")
	d.ok(gone, "destroy", "gone", "--yes")
	write(t, filepath.Join(home, "queue.env"), "URI=amqp://queue.invalid\n")
	d.ok(home, "services", "create", "queue", "--credentials-file", "queue.env")
	write(t, filepath.Join(home, "queue.env"), "URI=amqp://other.invalid\n")
	d.ok(home, "services", "update", "queue", "--credentials-file", "queue.env")
	d.ok(home, "services", "keys", "create", "queue", "anna")
	d.ok(home, "services", "keys", "delete", "queue", "anna")
	d.until(time.Minute, "the service without keys is deleted", func() bool {
		return d.cli(home, "services", "delete", "queue", "--confirm", "queue").code == 0
	})

	// While a canary is held its rule stands in Consul; that of an app at rest is taken away.
	held := t.TempDir()
	shareRelease(t, held, 1, []int{25})
	d.ok(held, "push")
	shareRelease(t, held, 2, []int{25})
	g.holds(held)
}

// holds pushes a canary that is held until the stack ends.
func (g *guarded) holds(app string) {
	g.t.Helper()
	g.pushing(app)
	g.until(2*time.Minute, "the canary is held", func() bool { return g.deployments("walker")[0].Waits == "hold" })
}

// keeps has an app keep something in a volume.
func (g *guarded) keeps(t *testing.T, name string) {
	t.Helper()
	d, app := g.in(t), filepath.Join(t.TempDir(), name)
	keeper(t, app, 1, "")
	edit(t, filepath.Join(app, "crumpet.hcl"), `app "keeper"`, fmt.Sprintf("app %q", name))
	edit(t, filepath.Join(app, "crumpet.hcl"), "keeper.localhost", name+".localhost")
	d.ok(app, "push")
}

// operatorsLook has the programs' own commands make the calls of people.
func (g *guarded) operatorsLook(t *testing.T) {
	commands := func(name, text string, besides ...string) {
		env := g.env()
		for program, prefix := range map[string]string{"nomad": "NOMAD", "consul": "CONSUL_HTTP", "vault": "VAULT"} {
			a := of(name, program)
			env = append(env, prefix+"_ADDR="+g.proxy(a, program), prefix+"_TOKEN="+g.give(a, besides...))
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Env, cmd.Dir = env, g.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, line, err, out)
			}
		}
	}
	commands("reader", readerCommands)
	commands("operator", operatorCommands, "reader")
}

const readerCommands = `
nomad node status
nomad server members
nomad operator autopilot health
nomad job status -namespace=*
nomad operator api /v1/allocations?namespace=*
nomad volume status -type host -namespace=*
consul members
consul catalog services
consul catalog nodes -service=fabio
consul kv get -recurse fabio/config/
consul kv get -keys crumpet/
consul kv get crumpet/leader
consul operator raft list-peers
consul info
curl -sf -H "X-Consul-Token: $CONSUL_HTTP_TOKEN" $CONSUL_HTTP_ADDR/v1/session/list
bao operator raft list-peers
bao operator raft autopilot state
bao operator members
bao read sys/metrics
bao secrets list
bao auth list
bao list auth/jwt-nomad/role
bao list sys/policies/acl
bao token lookup
bao token renew
`

const operatorCommands = `
nomad node eligibility -enable $(nomad node status -quiet)
nomad operator autopilot set-config -cleanup-dead-servers=true
nomad server force-leave nobody
nomad alloc logs $(nomad job allocs -t '{{ range . }}{{ if eq .ClientStatus "running" }}{{ .ID }} {{ end }}{{ end }}' book.blue | cut -d' ' -f1)
nomad alloc restart $(nomad job allocs -t '{{ range . }}{{ if eq .ClientStatus "running" }}{{ .ID }} {{ end }}{{ end }}' book.blue | cut -d' ' -f1)
curl -sf -X PUT -d '{"TTL": "10s"}' -H "X-Consul-Token: $CONSUL_HTTP_TOKEN" $CONSUL_HTTP_ADDR/v1/session/create
consul kv delete fabio/config/nothing
consul reload
consul operator autopilot set-config -cleanup-dead-servers=true
consul keyring -list
consul keyring -install pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=
curl -sf -X PUT -d '{"Node": "lost"}' -H "X-Consul-Token: $CONSUL_HTTP_TOKEN" $CONSUL_HTTP_ADDR/v1/catalog/deregister
bao operator raft snapshot save vault.snap
bao operator raft remove-peer nobody
bao read sys/audit
bao policy read proof-server-0
bao read auth/jwt-nomad/config
bao read auth/jwt-nomad/role/$(bao list -format=json auth/jwt-nomad/role | grep -o 'crumpet-default--[a-z-]*' | head -n 1)
curl -s -H "X-Vault-Token: $VAULT_TOKEN" $VAULT_ADDR/v1/auth/cert/certs/operator
`

// ofOthers are calls that stand for those which nothing here makes: Consul's own agents make theirs by RPC
// (Coordinate.Update, and the look at what the catalog has of a node), for Fabio's job Nomad makes them, and it renews
// the token of a task after half a day only.
func (g *guarded) ofOthers(t *testing.T) {
	t.Helper()
	agent, fabio := of("consul-agent", "consul"), of("fabio", "vault")
	g.give(fabio)
	g.manage("vault", http.MethodPost, "/v1/crumpet/data/platform/fabio", map[string]any{"data": map[string]string{"token": "unused"}}, nil)
	app := of("app", "vault")
	g.give(app)
	at := map[actor]string{agent: g.proxy(agent, "consul"), fabio: g.proxy(fabio, "vault"), app: g.proxy(app, "vault")}
	for _, ask := range []struct {
		as                 actor
		method, path, body string
	}{
		{agent, http.MethodPut, "/v1/coordinate/update", `{"Node": "one", "Coord": {"Vec": [0, 0, 0, 0, 0, 0, 0, 0], "Error": 1.5, "Height": 0.00001}}`},
		{agent, http.MethodGet, "/v1/catalog/node/one", ""},
		{fabio, http.MethodGet, "/v1/crumpet/data/platform/fabio", ""},
		{fabio, http.MethodPut, "/v1/auth/token/renew-self", "{}"},
		{fabio, http.MethodGet, "/v1/auth/token/lookup-self", ""},
		{app, http.MethodPut, "/v1/auth/token/renew-self", "{}"},
		{app, http.MethodGet, "/v1/auth/token/lookup-self", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), ask.method, at[ask.as]+ask.path, strings.NewReader(ask.body))
		if err != nil {
			t.Fatal(err)
		}
		_, program := ask.as.split()
		req.Header.Set(headerOf[program], g.tokens[ask.as])
		g.did(req)
	}
}
