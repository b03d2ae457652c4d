package integration_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// securing is the stack with ACLs on while TestPolicies runs: stories that it tells get that one for their dev.
var securing *guarded

// TestPolicies: stories are told to real programs with ACLs on, in which every actor has its policy of policies/ and
// nothing more, and what each asks is written down. Nothing of it is refused. Then each granted line is taken away in
// turn: at least one of those calls is refused, or shows less. A line that nobody would miss is one too many.
func TestPolicies(t *testing.T) {
	if !proving || stack != "real" {
		t.Skip("needs the real programs and minutes of them alone: make prove STORY=policies STACK=real")
	}
	g := startGuarded(t)
	securing = g
	defer func() { securing = nil }()
	t.Run("stories", func(t *testing.T) {
		t.Run("push", TestPush)
		t.Run("config", TestConfig)
		t.Run("volumes", TestVolumes)
		t.Run("services", TestServices)
		t.Run("repair", TestRepair)
	})
	t.Run("one walk", func(t *testing.T) { g.inOneWalk(t) })
	t.Run("operators", func(t *testing.T) { g.operatorsLook(t) })

	g.ofOthers(t)

	for what, n := range g.record.refused {
		t.Errorf("refused %d times: %s", n, what)
	}
	sorts, all := len(g.record.count), 0
	for _, n := range g.record.count {
		all += n
	}
	t.Logf("%d calls of %d sorts were allowed", all, sorts)

	rows := g.prove(t)
	var table strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&table, r)
		if len(r.refused) == 0 {
			t.Errorf("%s, line %d: without %s nothing is refused", r.actor, r.cut.line, r.cut.grant)
		}
	}
	t.Logf("%d grants of %d actors\n| actor | line | grant | refused without it |\n|---|---|---|---|\n%s", len(rows), len(actorsOf(rows)), table.String())
}

func actorsOf(rows []row) map[actor]bool {
	all := map[actor]bool{}
	for _, r := range rows {
		all[r.actor] = true
	}
	return all
}

// inOneWalk has everything done that the other stories leave out: a database with its bindings and keys, a command in an
// instance, one instance replaced, a drain, and an app that goes.
func (g *guarded) inOneWalk(t *testing.T) {
	t.Helper()
	d, home := g.in(t), t.TempDir()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	pgtest.Exec(ctx, t, g.postgres.URL("postgres"), "CREATE ROLE granter SUPERUSER LOGIN PASSWORD 'at-first'")
	write(t, filepath.Join(home, "password"), "at-first")
	d.ok(home, "providers", "add", "postgres", "main", "--url", fmt.Sprintf("postgres://granter@127.0.0.1:%d/postgres", g.postgres.Port), "--password-file", "password")
	d.ok(home, "init", "--template", "guestbook", "book")
	app := filepath.Join(home, "book")
	d.ok(app, "push")
	d.ok(app, "config", "set", "COLOUR=blue")
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
	d.ok(home, "services", "delete", "queue", "--confirm", "queue")
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
			cmd.Env, cmd.Dir = env, g.root
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

// onlyOnce are calls that end what the others need: they are made with a grant taken away, and with all of them at the end.
var onlyOnce = []call{
	{actor: of("operator", "vault"), method: http.MethodPut, path: "/v1/sys/step-down"},
	{actor: of("operator", "vault"), method: http.MethodPut, path: "/v1/sys/seal"},
}

var (
	grantedPath = regexp.MustCompile(`^path "([^"*]*)`)
	kindOfPath  = regexp.MustCompile(`^crumpet/[a-z]+/([a-z]+)/`)
)

// concerns says whether a call can tell of a grant in Vault: one of its path, or of another half of what is kept there,
// as data is only created anew once its metadata is gone.
func concerns(grant, path string) bool {
	granted, path := grantedPath.FindStringSubmatch(grant)[1], strings.TrimPrefix(path, "/v1/")
	if kind, has := kindOfPath.FindStringSubmatch(granted), kindOfPath.FindStringSubmatch(path); kind != nil && has != nil {
		return kind[1] == has[1]
	}
	return strings.HasPrefix(path, granted)
}

// prove takes each grant of each actor away in turn.
func (g *guarded) prove(t *testing.T) []row {
	t.Helper()
	var rows []row
	for _, a := range slices.Sorted(maps.Keys(g.tokens)) {
		name, program := a.split()
		var besides []string
		if name == "operator" {
			besides = []string{policyOf(t, of("reader", program))}
		}
		text := policyOf(t, a)
		calls, began := g.record.of(a), time.Now()
		full := g.token(program, "full-"+name, append(slices.Clone(besides), text)...)
		for i, c := range cutsOf(text) {
			token := g.token(program, fmt.Sprintf("cut-%s-%d", name, i), append(slices.Clone(besides), c.text)...)
			one := row{actor: a, cut: c}
			for _, made := range calls {
				if program == "vault" && !concerns(c.grant, made.path) {
					continue
				}
				if g.again(made, token).less(g.again(made, full)) && !slices.Contains(one.refused, made.what()) {
					one.refused = append(one.refused, made.what())
				}
			}
			for _, made := range onlyOnce {
				path := strings.TrimPrefix(made.path, "/v1/")
				if made.actor == a && strings.Contains(c.grant, path) && g.again(made, token).refused {
					one.refused = append(one.refused, made.what())
				}
			}
			rows = append(rows, one)
		}
		t.Logf("%s: %d calls made again in %s", a, len(calls), time.Since(began).Round(time.Second))
	}
	for _, made := range onlyOnce {
		if o := g.again(made, g.tokens[made.actor]); o.status/100 != 2 {
			t.Errorf("%s: %d %s", made.what(), o.status, o.text)
		}
		g.eventually(20*time.Second, func() bool {
			code, _ := g.call("vault", "", http.MethodGet, "/v1/sys/health", nil, nil)
			return code == http.StatusOK
		})
	}
	return rows
}
