package nomad_test

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const autopilot = `{"Healthy":false,"FailureTolerance":0,"Leader":"id1","Voters":["id1","id2"],"Servers":[
 {"ID":"id2","Name":"two.global","Address":"10.0.0.2:4647","Version":"2.0.6","Voter":true,"Healthy":false,"LastContact":"3s"},
 {"ID":"id1","Name":"one.global","Address":"10.0.0.1:4647","Version":"2.0.6","Leader":true,"Voter":true,"Healthy":true,"LastContact":"0s"}]}`

func TestAnUnhealthyQuorumIsReadThoughNomadAnswers429(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/operator/autopilot/health" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(autopilot))
	})
	q, err := c.Quorum(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if q.Leader != "one.global" || q.Version != "2.0.6" || len(q.Servers) != 2 || !q.Servers[0].Leader || q.Servers[1].Healthy || q.Spare() != -1 {
		t.Errorf("quorum: %+v, spare %d", q, q.Spare())
	}
	c = server(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Permission denied", http.StatusForbidden) })
	if _, err := c.Quorum(t.Context()); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("without operator read: %v", err)
	}
}

// agent is a Nomad agent that serves itself as its only node, and says what it is told to.
func agent(t *testing.T, node nomadapi.Node, self string, asked *[]string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var body any
		switch r.URL.Path {
		case "/v1/nodes":
			body = []nomadapi.NodeListStub{{ID: node.ID, Name: node.Name}}
		case "/v1/node/" + node.ID:
			body = node
		case "/v1/agent/self":
			*asked = append(*asked, r.Header.Get("X-Nomad-Token"))
			w.Header().Set("Date", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
			_, _ = w.Write([]byte(self))
			return
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
		_ = json.NewEncoder(w).Encode(body)
	}
}

const selfText = `{"config":{"Client":{"MaxKillTimeout":"30s","ChrootEnv":{"/etc/ssl":"/etc/ssl"}},"Server":{"HeartbeatGrace":60000000000,"EventBufferSize":100}}}`

func TestAnAgentIsAskedItself(t *testing.T) {
	t.Parallel()
	node := nomadapi.Node{
		ID: "n1", Name: "node-1", Status: "ready", Attributes: map[string]string{"nomad.version": "2.0.6", "unique.consul.name": "node-1"},
		Drivers:       map[string]*nomadapi.DriverInfo{"exec": {Detected: true, Healthy: true}},
		NodeResources: &nomadapi.NodeResources{MinDynamicPort: 20000, MaxDynamicPort: 32000},
	}
	var asked []string
	var handler http.HandlerFunc
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r) }))
	t.Cleanup(s.Close)
	node.HTTPAddr = strings.TrimPrefix(s.URL, "http://")
	handler = agent(t, node, selfText, &asked)
	c := client(t, nomad.Config{Address: s.URL, Token: "very-secret"})

	host, _, _ := strings.Cut(node.HTTPAddr, ":")
	agents, err := c.Agents(t.Context(), []paas.QuorumServer{{Name: "one.global", Address: host + ":4647"}, {Name: "gone.global", Address: "127.0.0.99:4647", Version: "2.0.6"}})
	if err != nil || len(agents) != 2 {
		t.Fatalf("agents: %+v, %v", agents, err)
	}
	gone, own := agents[0], agents[1]
	if !own.Server || !own.Client || own.Consul != "node-1" || own.MinPort != 20000 || own.MaxPort != 32000 || !own.Exec || own.Version != "2.0.6" || own.Settings == nil {
		t.Fatalf("own: %+v", own)
	}
	if got := *own.Settings; got.MaxKillTimeout != 30*time.Second || got.ChrootEnv != 1 || got.HeartbeatGrace != time.Minute || got.EventBufferSize != 100 {
		t.Errorf("settings: %+v", got)
	}
	if skew := own.Settings.Skew; skew == nil || *skew > -55*time.Second || *skew < -61*time.Second {
		t.Errorf("skew: %v, want a minute behind at the most", skew)
	}
	if gone.Settings != nil || !strings.Contains(gone.Reason, "can't be asked") || !gone.Server || gone.Client {
		t.Errorf("gone: %+v", gone)
	}
	if len(asked) != 1 || asked[0] != "very-secret" {
		t.Errorf("asked with %q", asked)
	}

	node.Status = "down"
	handler = agent(t, node, selfText, &asked)
	agents, err = c.Agents(t.Context(), nil)
	if err != nil || len(agents) != 1 || !agents[0].Down || len(asked) != 1 {
		t.Errorf("a client that is down is not asked: %+v, %v, asked %d times", agents, err, len(asked))
	}
}

func TestOurTokenGoesToNoAgentWithoutTLSWhereWeSpeakTLS(t *testing.T) {
	t.Parallel()
	var leaked []string
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked = append(leaked, r.Header.Get("X-Nomad-Token"))
	}))
	t.Cleanup(plain.Close)
	var asked []string
	node := nomadapi.Node{ID: "n1", Name: "node-1", Status: "ready", HTTPAddr: strings.TrimPrefix(plain.URL, "http://")}
	s := httptest.NewTLSServer(agent(t, node, selfText, &asked))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, nomad.Config{Address: s.URL, Token: "very-secret", CAFile: ca})
	agents, err := c.Agents(t.Context(), nil)
	if err != nil || len(agents) != 1 || !strings.Contains(agents[0].Reason, "serves no TLS") || len(leaked) != 0 {
		t.Errorf("agents: %+v, %v; leaked %d times", agents, err, len(leaked))
	}
}

func TestAnAgentIsKnownByTheNameOfItsRoleAndRegion(t *testing.T) {
	t.Parallel()
	var names []string
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names = append(names, hello.ServerName)
		return nil, nil //nolint:nilnil // the configuration stays
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	var asked []string
	node := nomadapi.Node{ID: "n1", Name: "node-1", Status: "ready", HTTPAddr: strings.TrimPrefix(s.URL, "https://"), TLSEnabled: true}
	front := httptest.NewServer(agent(t, node, selfText, &asked))
	t.Cleanup(front.Close)
	agents, err := client(t, nomad.Config{Address: front.URL, Region: "eu"}).Agents(t.Context(), nil)
	if err != nil || len(agents) != 1 || agents[0].Reason == "" || len(names) == 0 || names[0] != "client.eu.nomad" {
		t.Errorf("asked as %q: %+v, %v", names, agents, err)
	}
}

func TestATokenThatEndsSaysWhen(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/acl/token/self" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		_, _ = w.Write([]byte(`{"AccessorID":"a","ExpirationTime":"2026-12-01T00:00:00Z"}`))
	})
	if ends, err := c.TokenEnd(t.Context()); err != nil || ends == nil || ends.Day() != 1 {
		t.Errorf("ends %v, %v", ends, err)
	}
	none := client(t, nomad.Config{Address: "http://127.0.0.1:1"})
	if ends, err := none.TokenEnd(t.Context()); err != nil || ends != nil {
		t.Errorf("without a token: %v, %v", ends, err)
	}
}
