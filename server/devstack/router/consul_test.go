package router_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// fakeConsul answers what the router asks: checks and keys block until their index moves.
type fakeConsul struct {
	*httptest.Server

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each change
	index     uint64
	checks    consulapi.HealthChecks
	instances map[string][]*consulapi.CatalogService
	keys      consulapi.KVPairs
	agent     map[string]consulapi.AgentServiceRegistration
	broken    bool // catalog reads answer 500
}

func newFakeConsul(t testing.TB) *fakeConsul {
	t.Helper()
	f := &fakeConsul{changed: make(chan struct{}), index: 1, agent: map[string]consulapi.AgentServiceRegistration{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/agent/self", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 1, map[string]any{"Config": map[string]any{"Datacenter": "dc7"}})
	})
	mux.HandleFunc("GET /v1/health/state/any", func(w http.ResponseWriter, r *http.Request) {
		f.wait(r)
		f.mu.Lock()
		defer f.mu.Unlock()
		answer(w, f.index, f.checks)
	})
	mux.HandleFunc("GET /v1/catalog/service/{name}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.broken {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		answer(w, f.index, f.instances[r.PathValue("name")])
	})
	mux.HandleFunc("GET /v1/kv/{prefix...}", func(w http.ResponseWriter, r *http.Request) {
		f.wait(r)
		f.mu.Lock()
		defer f.mu.Unlock()
		found := consulapi.KVPairs{}
		for _, pair := range f.keys {
			if strings.HasPrefix(pair.Key, r.PathValue("prefix")) {
				found = append(found, pair)
			}
		}
		answer(w, f.index, found)
	})
	mux.HandleFunc("GET /v1/agent/services", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		known := map[string]consulapi.AgentService{}
		for id := range f.agent {
			known[id] = consulapi.AgentService{ID: id}
		}
		answer(w, 1, known)
	})
	mux.HandleFunc("PUT /v1/agent/service/register", func(_ http.ResponseWriter, r *http.Request) {
		var service consulapi.AgentServiceRegistration
		if json.NewDecoder(r.Body).Decode(&service) == nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.agent[service.ID] = service
		}
	})
	mux.HandleFunc("PUT /v1/agent/service/deregister/{id}", func(_ http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.agent, r.PathValue("id"))
	})
	mux.HandleFunc("PUT /v1/agent/check/update/{id}", func(http.ResponseWriter, *http.Request) {})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func answer(w http.ResponseWriter, index uint64, v any) {
	w.Header().Set("X-Consul-Index", strconv.FormatUint(index, 10))
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fakeConsul) wait(r *http.Request) {
	index, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
	for {
		f.mu.Lock()
		changed, now := f.changed, f.index
		f.mu.Unlock()
		if now > index {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-time.After(time.Minute):
			return
		}
	}
}

func (f *fakeConsul) change(edit func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit()
	f.index++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeConsul) registered() []consulapi.AgentServiceRegistration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []consulapi.AgentServiceRegistration
	for _, service := range f.agent {
		list = append(list, service)
	}
	return list
}

// instance adds a service instance with one check of its own.
func (f *fakeConsul) instance(service, id, status string, port int, tags ...string) {
	f.change(func() {
		f.checks = append(f.checks, &consulapi.HealthCheck{
			Node: "n1", CheckID: "check-" + id, ServiceID: id, ServiceName: service, ServiceTags: tags, Status: status,
		})
		if f.instances == nil {
			f.instances = map[string][]*consulapi.CatalogService{}
		}
		f.instances[service] = append(f.instances[service], &consulapi.CatalogService{
			Node: "n1", Address: "10.9.9.9", ServiceID: id, ServiceName: service, ServicePort: port, ServiceTags: tags,
		})
	})
}

func (f *fakeConsul) key(name, value string) {
	f.change(func() { f.keys = append(f.keys, &consulapi.KVPair{Key: name, Value: []byte(value)}) })
}

func (f *fakeConsul) check(c *consulapi.HealthCheck) {
	f.change(func() { f.checks = append(f.checks, c) })
}
