package consul_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

func TestStateSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var slow atomic.Bool
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if slow.Load() {
			time.Sleep(100 * time.Millisecond) // so that a reader is there before the first run has ended
		}
	}))
	t.Cleanup(target.Close)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)

	a := start(t, data)
	reg := ttlService("re1", "re", "tag")
	reg.Check.Status = "passing"
	reg.Checks = consulapi.AgentServiceChecks{{CheckID: "re1-http", HTTP: target.URL, Interval: "1h", Status: "passing"}}
	check(t, a.Agent().ServiceRegister(reg))
	check(t, a.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{ID: "down1", Name: "down", Check: &consulapi.AgentServiceCheck{
		CheckID: "down1-tcp", TCP: dead.Addr().String(), Interval: "1h", Status: "passing",
	}}))
	id := newSession(t, a, &consulapi.SessionEntry{Name: "survivor"})
	if ok, _, err := a.KV().Acquire(&consulapi.KVPair{Key: "re/lock", Value: []byte("v"), Session: id}, nil); err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, err = a.KV().Put(&consulapi.KVPair{Key: "re/gone", Value: []byte("v")}, nil)
	check(t, err)
	_, err = a.KV().Delete("re/gone", nil)
	check(t, err)
	_, kvBefore := must[consulapi.KVPairs](t)(a.KV().List("re/", nil))
	_, healthBefore, err := a.Health().Service("re", "", false, nil)
	check(t, err)
	check(t, dead.Close())
	// What is on disk before the server could save anything at its end is what SIGKILL leaves.
	raw, err := os.ReadFile(filepath.Join(data, "consul.json"))
	check(t, err)
	a.stop()
	killed := t.TempDir()
	check(t, os.WriteFile(filepath.Join(killed, "consul.json"), raw, 0o600))

	slow.Store(true)
	a = start(t, killed)
	// Readers of health wait for the restored checks, so the first answer is a true one.
	list, meta, err := a.Health().Service("re", "tag", true, nil)
	check(t, err)
	if len(list) != 1 || len(list[0].Checks) != 3 || meta.LastIndex < healthBefore.LastIndex {
		t.Errorf("after the restart %+v at %d, was at %d", list, meta.LastIndex, healthBefore.LastIndex)
	}
	pairs, kvAfter := must[consulapi.KVPairs](t)(a.KV().List("re/", nil))
	if len(pairs) != 1 || pairs[0].Session != id || pairs[0].LockIndex != 1 || kvAfter.LastIndex != kvBefore.LastIndex {
		t.Errorf("keys are %+v at %d, were at %d", pairs, kvAfter.LastIndex, kvBefore.LastIndex)
	}
	if info, _ := must[*consulapi.SessionEntry](t)(a.Session().Info(id, nil)); info == nil || info.Name != "survivor" {
		t.Errorf("session is %+v", info)
	}
	if got := statusOf(t, a, "down", "down1-tcp"); got != "critical" {
		t.Errorf("a check of a dead service came back %s", got)
	}
}

func TestReadersGoWhenTheServerStops(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	_, meta := must[consulapi.HealthChecks](t)(a.Health().State(consulapi.HealthAny, nil))
	got := make(chan error, 1)
	go func() {
		_, _, err := a.Health().State(consulapi.HealthAny, &consulapi.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: 10 * time.Minute})
		got <- err
	}()
	a.stop() // returns when the HTTP server has no request left
	if err := <-got; err != nil {
		t.Logf("the query that waited ended with %v", err)
	}
}
