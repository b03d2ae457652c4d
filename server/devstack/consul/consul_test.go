package consul_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/devstack/consul"
)

// realAddr names a real Consul agent that the contract tests are run against instead of the stand-in, by hand.
const realAddr = "CRUMPET_REAL_CONSUL"

// agent is a stand-in that runs, and its official client.
type agent struct {
	*consulapi.Client
	url  string
	stop func()
}

// start opens the stand-in on data and runs it until the test ends or stop is called.
func start(t testing.TB, data string) *agent {
	t.Helper()
	srv, err := consul.Open(consul.Config{
		Data: data, SessionTTLMin: 100 * time.Millisecond, CheckIntervalMin: 10 * time.Millisecond,
		DeregisterAfterMin: 50 * time.Millisecond, ReapInterval: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	web := httptest.NewServer(srv)
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run ended with %v", err)
		}
		web.Close()
	}
	t.Cleanup(stop)
	return &agent{client(t, web.URL), web.URL, stop}
}

// contract is the agent of a test that must pass against a real Consul too.
func contract(t testing.TB) *agent {
	t.Helper()
	if addr := os.Getenv(realAddr); addr != "" {
		return &agent{client(t, addr), addr, func() {}}
	}
	return start(t, t.TempDir())
}

func client(t testing.TB, url string) *consulapi.Client {
	t.Helper()
	c, err := consulapi.NewClient(&consulapi.Config{Address: url, Token: "any token is accepted"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually waits until ok, as long as a slow machine may need.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

func must[T any](t testing.TB) func(T, *consulapi.QueryMeta, error) (T, *consulapi.QueryMeta) {
	return func(v T, meta *consulapi.QueryMeta, err error) (T, *consulapi.QueryMeta) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v, meta
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ttlService is a service whose one check is told its status, so that nothing happens by itself.
func ttlService(id, name string, tags ...string) *consulapi.AgentServiceRegistration {
	return &consulapi.AgentServiceRegistration{
		ID: id, Name: name, Tags: tags, Address: "127.0.0.1", Port: 8080,
		Check: &consulapi.AgentServiceCheck{CheckID: id + "-ttl", TTL: "1h"},
	}
}

func TestAnswersByStatus(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		text               string
	}{
		"an endpoint that is not served names its path":       {"GET", "/v1/event/list", "", 501, "/v1/event/list"},
		"a filter is not served":                              {"GET", "/v1/health/state/any?filter=x", "", 501, "filter"},
		"a method that an endpoint has not is refused":        {"GET", "/v1/agent/service/register", "", 405, "not allowed"},
		"a service without a name is refused":                 {"PUT", "/v1/agent/service/register", "{}", 400, "Missing service name"},
		"broken JSON is refused":                              {"PUT", "/v1/agent/service/register", "{", 400, "decode failed"},
		"an unknown service is not found":                     {"GET", "/v1/agent/service/nope", "", 404, "unknown service ID: nope"},
		"an unknown check has no TTL":                         {"PUT", "/v1/agent/check/pass/nope", "", 500, `CheckID "nope" does not have associated TTL`},
		"a check of an unknown service is refused":            {"PUT", "/v1/agent/check/register", `{"Name":"x","TTL":"5s","ServiceID":"no"}`, 500, `ServiceID "no" does not exist`},
		"a script check is not served":                        {"PUT", "/v1/agent/check/register", `{"Name":"x","ScriptArgs":["true"],"Interval":"1s"}`, 501, "script"},
		"an http check needs an interval":                     {"PUT", "/v1/agent/check/register", `{"Name":"x","HTTP":"http://127.0.0.1"}`, 400, "Interval must be > 0"},
		"a wrong index is refused":                            {"GET", "/v1/health/state/any?index=abc", "", 400, "Invalid index"},
		"a wrong wait is refused":                             {"GET", "/v1/kv/a?wait=abc&index=1", "", 400, "Invalid wait time"},
		"another datacenter can't be reached":                 {"GET", "/v1/catalog/services?dc=zz", "", 500, "No path to datacenter"},
		"a key needs a name":                                  {"PUT", "/v1/kv/", "v", 400, "Missing key name"},
		"a missing key answers 404":                           {"GET", "/v1/kv/missing", "", 404, ""},
		"a value above half a MiB is refused":                 {"PUT", "/v1/kv/big", strings.Repeat("x", 512<<10+1), 413, "too large"},
		"a session with too short a TTL is refused":           {"PUT", "/v1/session/create", `{"TTL":"1ms"}`, 500, "Invalid Session TTL"},
		"a session with an unknown behavior is refused":       {"PUT", "/v1/session/create", `{"Behavior":"x"}`, 500, "Invalid Behavior setting 'x'"},
		"a session on an unknown node is refused":             {"PUT", "/v1/session/create", `{"Node":"x"}`, 500, "Missing node registration"},
		"a lock for an unknown session is refused":            {"PUT", "/v1/kv/lk?acquire=11111111-1111-1111-1111-111111111111", "v", 500, "invalid session"},
		"a renewal of an unknown session is not found":        {"PUT", "/v1/session/renew/none", "", 404, "not found"},
		"an unknown service has no health":                    {"GET", "/v1/agent/health/service/id/nope", "", 404, "critical"},
		"a status that Consul has not is refused":             {"PUT", "/v1/agent/check/update/x", `{"Status":"boo"}`, 400, "Invalid check status"},
		"an unregistration in the catalog needs a node":       {"PUT", "/v1/catalog/deregister", "{}", 500, "Must provide node"},
		"maintenance of an unknown service is not found":      {"PUT", "/v1/agent/service/maintenance/no?enable=true", "", 404, "No service registered"},
		"removing an unknown service is no error":             {"PUT", "/v1/agent/service/deregister/nope", "", 200, ""},
		"a service that wants a sidecar is not served":        {"PUT", "/v1/agent/service/register", `{"Name":"x","Connect":{"SidecarService":{}}}`, 501, "Connect"},
		"a transaction on services is not served":             {"PUT", "/v1/txn", `[{"Service":{"Verb":"get"}}]`, 501, "KV"},
		"stale and consistent together contradict each other": {"GET", "/v1/kv/a?stale&consistent", "", 400, "conflicting"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, _ := call(t, tc.method, a.url+tc.path, tc.body)
			if status != tc.status || !strings.Contains(body, tc.text) {
				t.Errorf("got %d %q, want %d with %q", status, body, tc.status, tc.text)
			}
		})
	}
}

func TestAgentDescribesItself(t *testing.T) {
	t.Parallel()
	a := contract(t)
	self, err := a.Agent().Self()
	check(t, err)
	if self["Config"]["Datacenter"] != "dc1" || self["Config"]["Server"] != true || self["Config"]["Version"] == "" {
		t.Errorf("self is %v", self["Config"])
	}
	members, err := a.Agent().Members(false)
	check(t, err)
	if len(members) != 1 || members[0].Name != self["Config"]["NodeName"] || !members[0].IsConsulServer() {
		t.Errorf("members are %+v", members)
	}
	leader, err := a.Status().Leader()
	check(t, err)
	peers, err := a.Status().Peers()
	check(t, err)
	if len(peers) != 1 || peers[0] != leader {
		t.Errorf("leader %q, peers %q", leader, peers)
	}
	dcs, err := a.Catalog().Datacenters()
	check(t, err)
	if len(dcs) != 1 || dcs[0] != "dc1" {
		t.Errorf("datacenters are %q", dcs)
	}
	nodes, _ := must[[]*consulapi.Node](t)(a.Catalog().Nodes(nil))
	checks, _ := must[consulapi.HealthChecks](t)(a.Health().Node(nodes[0].Node, nil))
	if len(checks) == 0 || checks[0].CheckID != "serfHealth" || checks[0].Status != "passing" {
		t.Errorf("checks of the node are %+v", checks)
	}
}

func TestRestartKeepsTheNode(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	id := func() any {
		a := start(t, data)
		defer a.stop()
		self, err := a.Agent().Self()
		check(t, err)
		check(t, a.Agent().ServiceRegister(ttlService("a1", "a")))
		return self["Config"]["NodeID"]
	}
	if first, second := id(), id(); first != second || first == "" {
		t.Errorf("node id was %v, then %v", first, second)
	}
}

func call(t testing.TB, method, url, body string) (int, string, http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	check(t, err)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer func() { check(t, resp.Body.Close()) }()
	var text strings.Builder
	_, err = io.Copy(&text, resp.Body)
	check(t, err)
	return resp.StatusCode, text.String(), resp.Header
}
