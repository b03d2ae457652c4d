package bootstrap_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// fakeAgents are Consul and Nomad on the machines of a world, as far as steps see them: they run where their service was
// started, speak TLS with what lies on their machine, want a certificate of whoever calls, and elect a leader when all
// servers run. State of the cluster outlives restarts.
type fakeAgents struct {
	t testing.TB
	w *fakeWorld

	mu          sync.Mutex
	restarts    []string          // "consul server-1", in their order
	fails       map[string]int    // how often the check of a machine\'s service still fails when it is asked for
	early       []string          // machines whose agent was restarted while a check of another failed
	voteless    string            // machine whose servers have no vote
	behind      string            // machine whose servers do not know their tokens yet
	ill         bool              // autopilot finds a server not healthy
	catalog     map[string]int    // services of a node that Consul keeps, by machine
	leader      map[string]string // machine, by program
	management, // token, by program, once it is taken
	at map[string]string // what a server's file of tokens said when it was started
	policies map[string]map[string]map[string]any // by program and name
	tokens   map[string]map[string]any            // of Consul, by accessor
}

func newAgents(t testing.TB, w *fakeWorld) *fakeAgents {
	a := &fakeAgents{
		t: t, w: w, fails: map[string]int{}, leader: map[string]string{}, management: map[string]string{}, at: map[string]string{},
		policies: map[string]map[string]map[string]any{"consul": {}, "nomad": {}}, tokens: map[string]map[string]any{},
	}
	for _, h := range w.hosts {
		h.on("systemctl is-active", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
			if h.notes["runs "+program(script)] == "" {
				return []byte("inactive\n"), nil
			}
			return []byte("active\n"), nil
		})
		for _, verb := range []string{"restart", "start", "reload", "disable"} {
			h.on("systemctl "+verb+" ", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
				a.change(h, verb, program(script))
				return nil, nil
			})
		}
		h.on("install -d", nothing)
		h.on("useradd", nothing)
		h.on("cgroup.procs", nothing)
		h.on("rm -rf", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
			for name := range h.files {
				if strings.Contains(script, "/"+strings.Split(name, "/")[1]+"/") && strings.HasPrefix(name, "/etc/crumpet") || strings.Contains(script, name+"\n") {
					delete(h.files, name)
				}
			}
			return nil, nil
		})
		h.dial = func(_ context.Context, _, address string) (net.Conn, error) { return a.dial(h, address) }
	}
	return a
}

func nothing(*fakeHost, string, []byte) ([]byte, error) { return nil, nil }

// program is the service that a script is about.
func program(script string) string {
	_, rest, _ := strings.Cut(script, "crumpet-")
	name, _, _ := strings.Cut(rest, ".service")
	return name
}

// change starts and stops a service; the host's lock is held.
func (a *fakeAgents) change(h *fakeHost, verb, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch verb {
	case "disable":
		delete(h.notes, "runs "+name)
		if a.leader[name] == h.name {
			a.leader[name] = ""
		}
		return
	case "restart":
		a.restarts = append(a.restarts, name+" "+h.name)
		if name == "consul" && strings.HasPrefix(h.name, "client") {
			for other, left := range a.fails {
				if other != h.name && left > 0 {
					a.early = append(a.early, h.name)
				}
			}
			a.fails[h.name] = 3
		}
		if a.leader[name] == h.name { // another one that runs comes to lead
			for other := range a.w.hosts {
				if strings.HasPrefix(other, "server") && other != h.name {
					a.lead(name, other)
				}
			}
		}
	case "reload":
		return
	}
	h.notes["runs "+name] = "yes"
	h.notes["ran "+name] = "yes"
	a.at[name+" "+h.name] = string(h.files["/etc/crumpet/"+name+"/tokens.hcl"].Content)
}

// lead has a server lead: what it knew at its start of the management token is taken.
func (a *fakeAgents) lead(name, machine string) {
	a.leader[name] = machine
	if _, rest, ok := strings.Cut(a.at[name+" "+machine], "master = "); ok && a.management[name] == "" {
		a.management[name] = strings.Trim(strings.SplitN(rest, "\n", 2)[0], `"`)
	}
}

func (a *fakeAgents) running(machine, name string) bool {
	h := a.w.hosts[machine]
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.notes["runs "+name] != ""
}

// servers are the machines whose servers run.
func (a *fakeAgents) servers(name string) (all []fleet.Machine) {
	for _, m := range a.w.fleet.Of(fleet.Server) {
		if a.running(m.Name, name) {
			all = append(all, m)
		}
	}
	return all
}

func (a *fakeAgents) dial(h *fakeHost, address string) (net.Conn, error) {
	_, port, _ := net.SplitHostPort(address)
	name := map[string]string{"8501": "consul", "4646": "nomad"}[port]
	h.mu.Lock()
	runs, certificate, key, ca := h.notes["runs "+name] != "", h.files["/etc/crumpet/tls/"+name+".pem"].Content,
		h.files["/etc/crumpet/tls/"+name+"-key.pem"].Content, h.files["/etc/crumpet/tls/ca.pem"].Content
	h.mu.Unlock()
	if !runs {
		return nil, paas.Errorf(paas.Unavailable, "connection refused")
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	here, there := net.Pipe()
	server := &http.Server{Handler: a.handler(h.name, name)}
	go func() {
		_ = server.Serve(&oneConn{conn: tls.Server(there, &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})})
	}()
	return here, nil
}

// oneConn is a listener of one connection.
type oneConn struct {
	mu   sync.Mutex
	conn net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func (a *fakeAgents) handler(machine, name string) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		running := a.servers(name)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.leader[name] == "" && len(running) == len(a.w.fleet.Of(fleet.Server)) {
			a.lead(name, "server-2")
		}
		token := r.Header.Get("X-Consul-Token") + r.Header.Get("X-Nomad-Token")
		sent, _ := io.ReadAll(r.Body)
		in := map[string]any{}
		_ = json.Unmarshal(sent, &in)
		knows := machine != a.behind || r.URL.Path != "/v1/agent/self"
		status, body := a.answer(r, in, name, running, knows && token != "" && token == a.management[name])
		if status != http.StatusOK {
			http.Error(out, "refused "+token+string(sent), status)
			return
		}
		_ = json.NewEncoder(out).Encode(body)
	})
}

func (a *fakeAgents) answer(r *http.Request, in map[string]any, name string, running []fleet.Machine, manages bool) (int, any) {
	port := map[string]string{"consul": "8300", "nomad": "4647"}[name]
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	if path == "/status/leader" || path == "/status/peers" {
		var peers []string
		leader := ""
		for _, m := range running {
			peers = append(peers, net.JoinHostPort(m.Address, port))
			if m.Name == a.leader[name] {
				leader = peers[len(peers)-1]
			}
		}
		if path == "/status/leader" {
			return http.StatusOK, leader
		}
		return http.StatusOK, peers
	}
	if path == "/acl/bootstrap" {
		if a.management[name] != "" {
			return http.StatusBadRequest, nil
		}
		a.management[name], _ = in["BootstrapSecret"].(string)
		return http.StatusOK, in
	}
	if !manages {
		return http.StatusForbidden, nil
	}
	_, last, _ := strings.Cut(strings.TrimPrefix(path, "/acl/"), "/")
	switch {
	case path == "/acl/token/self", path == "/agent/self":
		return http.StatusOK, in
	case path == "/operator/raft/configuration":
		var servers []any
		for _, m := range running {
			servers = append(servers, map[string]any{"Node": m.Name, "Leader": m.Name == a.leader[name], "Voter": m.Name != a.voteless})
		}
		return http.StatusOK, map[string]any{"Servers": servers}
	case path == "/operator/autopilot/health":
		if a.ill {
			return http.StatusTooManyRequests, nil
		}
		return http.StatusOK, map[string]any{"Healthy": true}
	case path == "/health/state/passing":
		return http.StatusOK, a.passing()
	case strings.HasPrefix(path, "/catalog/node/"):
		return a.known(strings.TrimPrefix(path, "/catalog/node/"))
	case path == "/catalog/deregister":
		machine, _ := in["Node"].(string)
		if a.running(machine, name) {
			a.t.Errorf("%s is taken out of Consul with its agent on", machine)
		}
		delete(a.catalog, machine)
		return http.StatusOK, true
	case strings.HasPrefix(path, "/health/node/"):
		return a.node(strings.TrimPrefix(path, "/health/node/"))
	case path == "/nodes":
		var nodes []any
		for _, m := range a.w.fleet.Of(fleet.Client) {
			if a.w.hosts[m.Name].notes["runs nomad"] != "" {
				nodes = append(nodes, map[string]any{"ID": m.Name, "Name": m.Name, "Status": "ready", "Drivers": map[string]any{"exec": map[string]any{"Healthy": true}}})
			}
		}
		return http.StatusOK, nodes
	case strings.HasPrefix(path, "/node/"):
		return http.StatusOK, map[string]any{"Attributes": map[string]string{"consul.version": "1.8.7", "vault.version": "2.6.2"}}
	case path == "/acl/policies":
		var list []any
		for _, p := range a.policies[name] {
			list = append(list, p)
		}
		return http.StatusOK, list
	case strings.HasPrefix(path, "/acl/policy"):
		return a.keep(r.Method, a.policies[name], last, in, "Name")
	case strings.HasPrefix(path, "/acl/token"):
		return a.keep(r.Method, a.tokens, last, in, "AccessorID")
	}
	a.t.Errorf("the fake %s does not know %s", name, path)
	return http.StatusNotImplemented, nil
}

func (a *fakeAgents) node(machine string) (int, any) {
	status := "critical"
	if a.w.hosts[machine].notes["runs consul"] != "" {
		status = "passing"
	}
	return http.StatusOK, []any{map[string]string{"CheckID": "serfHealth", "Status": status}}
}

// known is what the catalog has of a node; null for one that it has never heard of.
func (a *fakeAgents) known(machine string) (int, any) {
	if a.catalog[machine] == 0 {
		return http.StatusOK, nil
	}
	services := map[string]any{}
	for i := range a.catalog[machine] {
		services[fmt.Sprint(i)] = map[string]string{"Service": "web"}
	}
	return http.StatusOK, map[string]any{"Services": services}
}

// passing are the checks of a service on each client, which fails a while after a restart of the agent there.
func (a *fakeAgents) passing() []any {
	var all []any
	for _, m := range a.w.fleet.Of(fleet.Client) {
		if a.fails[m.Name]--; a.fails[m.Name] < 0 {
			all = append(all, map[string]string{"Node": m.Name, "CheckID": "web", "ServiceName": "default--shop--web--blue"})
		}
	}
	return all
}

// keep reads or writes one thing by its name, which is its id as well.
func (a *fakeAgents) keep(method string, in map[string]map[string]any, id string, body map[string]any, key string) (int, any) {
	if method == http.MethodGet {
		if has, ok := in[id]; ok {
			return http.StatusOK, has
		}
		if key == "AccessorID" {
			return http.StatusForbidden, nil // as Consul says it
		}
		return http.StatusNotFound, nil
	}
	if method == http.MethodDelete {
		delete(in, id)
		return http.StatusOK, true
	}
	name, _ := body[key].(string)
	if _, twice := in[name]; twice && id == "" {
		return http.StatusBadRequest, nil
	}
	body["ID"] = name
	in[name] = body
	return http.StatusOK, body
}

// agentSteps are the steps that make Consul and Nomad, without those of other programs.
func agentSteps() []bootstrap.Step {
	return slices.DeleteFunc(bootstrap.Steps(), func(s bootstrap.Step) bool {
		return !slices.Contains([]string{"authority", "consul", "consul-acl", "nomad", "nomad-acl", "clients"}, s.Name())
	})
}
