package consul_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"
)

// statusOf is the status of a check as the catalog has it.
func statusOf(t testing.TB, a *agent, service, checkID string) string {
	t.Helper()
	checks, _ := must[consulapi.HealthChecks](t)(a.Health().Checks(service, nil))
	for _, c := range checks {
		if c.CheckID == checkID {
			return c.Status
		}
	}
	return "none"
}

func TestServiceIsFoundByHealthAndTags(t *testing.T) {
	t.Parallel()
	a := contract(t)
	reg := ttlService("found1", "found", "blue", "urlprefix-found.localhost/")
	reg.Meta = map[string]string{"app": "found"}
	check(t, a.Agent().ServiceRegister(reg))
	entries := func(tag string, passing bool) int {
		t.Helper()
		list, _, err := a.Health().Service("found", tag, passing, nil)
		check(t, err)
		return len(list)
	}
	eventually(t, "the instance is in the catalog", func() bool { return entries("", false) == 1 })
	if entries("", true) != 0 {
		t.Error("an instance is passing before its check ran")
	}
	check(t, a.Agent().UpdateTTL("found1-ttl", "fine", consulapi.HealthPassing))
	eventually(t, "the instance passes", func() bool { return entries("", true) == 1 })
	if entries("blue", true) != 1 || entries("BLUE", true) != 1 || entries("green", true) != 0 {
		t.Error("the tag filter is wrong")
	}
	list, _, err := a.Health().ServiceMultipleTags("found", []string{"blue", "urlprefix-found.localhost/"}, true, nil)
	check(t, err)
	svc := list[0].Service
	if svc.ID != "found1" || svc.Port != 8080 || svc.Address != "127.0.0.1" || svc.Meta["app"] != "found" || svc.Weights.Passing != 1 {
		t.Errorf("service is %+v", svc)
	}
	catalog, _, err := a.Catalog().Service("found", "blue", nil)
	check(t, err)
	if len(catalog) != 1 || catalog[0].ServiceID != "found1" || catalog[0].Node != list[0].Node.Node || catalog[0].ServicePort != 8080 {
		t.Errorf("catalog has %+v", catalog)
	}
	services, _, err := a.Catalog().Services(nil)
	check(t, err)
	if diff := cmp.Diff([]string{"blue", "urlprefix-found.localhost/"}, services["found"]); diff != "" {
		t.Errorf("tags of the service (-want +got):\n%s", diff)
	}
	if _, ok := services["consul"]; !ok {
		t.Error("the catalog lacks consul itself")
	}
	status, info, err := a.Agent().AgentHealthServiceByID("found1")
	if err != nil || status != consulapi.HealthPassing || info.Service.ID != "found1" {
		t.Errorf("agent says %q %+v %v", status, info, err)
	}
	node, _ := must[*consulapi.CatalogNode](t)(a.Catalog().Node(list[0].Node.Node, nil))
	if node.Services["found1"] == nil || node.Services["consul"] == nil {
		t.Errorf("node has %v", node.Services)
	}
	check(t, a.Agent().ServiceDeregister("found1"))
	eventually(t, "the instance is gone", func() bool { return entries("", false) == 0 && statusOf(t, a, "found", "found1-ttl") == "none" })
}

func TestRegisteringAgain(t *testing.T) {
	t.Parallel()
	a := contract(t)
	check(t, a.Agent().ServiceRegister(ttlService("again1", "again", "one")))
	check(t, a.Agent().UpdateTTL("again1-ttl", "", consulapi.HealthPassing))
	eventually(t, "passing", func() bool { return statusOf(t, a, "again", "again1-ttl") == "passing" })
	_, before, err := a.Health().Service("again", "", false, nil)
	check(t, err)

	check(t, a.Agent().ServiceRegister(ttlService("again1", "again", "one")))
	_, same, err := a.Health().Service("again", "", false, nil)
	check(t, err)
	if same.LastIndex != before.LastIndex || statusOf(t, a, "again", "again1-ttl") != "passing" {
		t.Errorf("the same registration moved the index from %d to %d, status %s", before.LastIndex, same.LastIndex, statusOf(t, a, "again", "again1-ttl"))
	}

	check(t, a.Agent().ServiceRegister(ttlService("again1", "again", "two")))
	eventually(t, "new tags reach the checks and keep their status", func() bool {
		checks, _ := must[consulapi.HealthChecks](t)(a.Health().Checks("again", nil))
		return len(checks) == 1 && checks[0].ServiceTags[0] == "two" && checks[0].Status == "passing" && checks[0].ModifyIndex > before.LastIndex
	})

	other := ttlService("again1", "again", "two")
	other.Check.CheckID = "again1-other"
	check(t, a.Agent().ServiceRegister(other))
	eventually(t, "another check is added, critical", func() bool {
		return statusOf(t, a, "again", "again1-other") == "critical" && statusOf(t, a, "again", "again1-ttl") == "passing"
	})
	check(t, a.Agent().ServiceRegisterOpts(other, consulapi.ServiceRegisterOpts{ReplaceExistingChecks: true}))
	eventually(t, "the check that was not named is removed", func() bool { return statusOf(t, a, "again", "again1-ttl") == "none" })
	check(t, a.Agent().ServiceDeregister("again1"))
}

func TestOnlyAChangeOfStatusMovesTheIndexes(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	check(t, a.Agent().ServiceRegister(ttlService("moved1", "moved")))
	check(t, a.Agent().ServiceRegister(ttlService("still1", "still")))
	indexes := func() [3]uint64 {
		_, state := must[consulapi.HealthChecks](t)(a.Health().State(consulapi.HealthAny, nil))
		_, moved, err := a.Health().Service("moved", "", false, nil)
		check(t, err)
		_, still, err := a.Health().Service("still", "", false, nil)
		check(t, err)
		return [3]uint64{state.LastIndex, moved.LastIndex, still.LastIndex}
	}
	before := indexes()
	check(t, a.Agent().UpdateTTL("moved1-ttl", "words", consulapi.HealthCritical))
	if after := indexes(); after != before {
		t.Errorf("output moved the indexes from %v to %v", before, after)
	}
	check(t, a.Agent().UpdateTTL("moved1-ttl", "words", consulapi.HealthPassing))
	if after := indexes(); after[0] <= before[0] || after[1] <= before[1] || after[2] != before[2] {
		t.Errorf("a status moved the indexes from %v to %v", before, after)
	}
}

func TestBlockedReaderOfHealthWakesAtAStatus(t *testing.T) {
	t.Parallel()
	a := contract(t)
	check(t, a.Agent().ServiceRegister(ttlService("wake1", "wake")))
	eventually(t, "registered", func() bool { return statusOf(t, a, "wake", "wake1-ttl") == "critical" })
	_, meta, err := a.Health().Service("wake", "", true, nil)
	check(t, err)
	type found struct {
		n     int
		index uint64
	}
	got := make(chan found, 1)
	go func() {
		list, now, err := a.Health().Service("wake", "", true, &consulapi.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Minute})
		if err != nil {
			t.Error(err)
		}
		got <- found{len(list), now.LastIndex}
	}()
	check(t, a.Agent().UpdateTTL("wake1-ttl", "", consulapi.HealthPassing))
	if f := <-got; f.n != 1 || f.index <= meta.LastIndex {
		t.Errorf("woke with %+v after index %d", f, meta.LastIndex)
	}
	check(t, a.Agent().ServiceDeregister("wake1"))
}

func TestHTTPCheckReadsTheAnswer(t *testing.T) {
	t.Parallel()
	a := contract(t)
	var code atomic.Int64
	code.Store(http.StatusNoContent)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || r.Header.Get("X-Probe") != "yes" || r.Header.Get("User-Agent") != "Consul Health Check" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(int(code.Load()))
	}))
	t.Cleanup(target.Close)
	check(t, a.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{ID: "http1", Name: "http", Checks: consulapi.AgentServiceChecks{
		{HTTP: target.URL, Method: "PUT", Header: map[string][]string{"X-Probe": {"yes"}}, Interval: "20ms", Timeout: "5s"},
		{TCP: target.Listener.Addr().String(), Interval: "20ms"},
	}}))
	becomes := func(id, status string) {
		t.Helper()
		eventually(t, id+" is "+status, func() bool { return statusOf(t, a, "http", id) == status })
	}
	becomes("service:http1:1", "passing")
	becomes("service:http1:2", "passing")
	checks, err := a.Agent().Checks()
	check(t, err)
	want := fmt.Sprintf("HTTP PUT %s: 204 No Content Output: ", target.URL)
	if c := checks["service:http1:1"]; c.Output != want || c.Type != "http" || c.Name != "Service 'http' check" {
		t.Errorf("check is %+v, want output %q", c, want)
	}
	code.Store(http.StatusTooManyRequests)
	becomes("service:http1:1", "warning")
	code.Store(http.StatusFound)
	becomes("service:http1:1", "critical")
	code.Store(http.StatusOK)
	becomes("service:http1:1", "passing")
	target.Close()
	becomes("service:http1:1", "critical")
	becomes("service:http1:2", "critical")
	check(t, a.Agent().ServiceDeregister("http1"))
}

func TestHTTPCheckGivesUpAtItsTimeout(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	release := make(chan struct{})
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release); target.Close() })
	check(t, a.Agent().CheckRegister(&consulapi.AgentCheckRegistration{ID: "slow", Name: "slow", AgentServiceCheck: consulapi.AgentServiceCheck{
		HTTP: target.URL, Interval: "20ms", Timeout: "30ms", Status: "passing",
	}}))
	eventually(t, "the check is critical for its timeout", func() bool {
		checks, err := a.Agent().Checks()
		check(t, err)
		return checks["slow"].Status == "critical" && strings.Contains(checks["slow"].Output, "deadline exceeded")
	})
}

func TestResultsInARowDecide(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	var hits, well atomic.Int64
	var passedAt atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		if well.Load() == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		passedAt.Add(1)
	}))
	t.Cleanup(target.Close)
	check(t, a.Agent().CheckRegister(&consulapi.AgentCheckRegistration{ID: "row", Name: "row", AgentServiceCheck: consulapi.AgentServiceCheck{
		HTTP: target.URL, Interval: "10ms", Status: "passing", SuccessBeforePassing: 4, FailuresBeforeWarning: 2, FailuresBeforeCritical: 3,
	}}))
	// Each change of status is read by its index, so none can be missed, and hits is then at least what it needs.
	var seen []string
	var index uint64
	next := func() {
		t.Helper()
		for {
			checks, meta := must[consulapi.HealthChecks](t)(a.Health().State(consulapi.HealthAny, &consulapi.QueryOptions{WaitIndex: index, WaitTime: 20 * time.Second}))
			index = meta.LastIndex
			for _, c := range checks {
				if c.CheckID == "row" && (len(seen) == 0 || seen[len(seen)-1] != c.Status) {
					seen = append(seen, c.Status)
					return
				}
			}
		}
	}
	for len(seen) == 0 || seen[len(seen)-1] != "critical" {
		next()
	}
	if n := hits.Load(); n < 3 {
		t.Errorf("critical after %d failures, want 3", n)
	}
	well.Store(1)
	next()
	if n := passedAt.Load(); n < 4 {
		t.Errorf("passing after %d successes, want 4", n)
	}
	if seen[len(seen)-1] != "passing" {
		t.Errorf("statuses were %q", seen)
	}
}

func TestTTLRunsOut(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	check(t, a.Agent().CheckRegister(&consulapi.AgentCheckRegistration{ID: "ttl", Name: "ttl", AgentServiceCheck: consulapi.AgentServiceCheck{TTL: "50ms"}}))
	check(t, a.Agent().UpdateTTL("ttl", "alive", consulapi.HealthPassing))
	eventually(t, "the check expires and says what it said last", func() bool {
		checks, err := a.Agent().Checks()
		check(t, err)
		return checks["ttl"].Status == "critical" && checks["ttl"].Output == "TTL expired (last output before timeout follows): alive"
	})
}

func TestCriticalServiceIsDeregisteredAfterItsTime(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	reg := ttlService("dead1", "dead")
	reg.Check.DeregisterCriticalServiceAfter = "50ms"
	kept := ttlService("kept1", "kept")
	kept.Check.DeregisterCriticalServiceAfter = "50ms"
	kept.Check.Status = "warning"
	check(t, a.Agent().ServiceRegister(kept))
	check(t, a.Agent().ServiceRegister(reg))
	eventually(t, "the dead service goes", func() bool {
		services, err := a.Agent().Services()
		check(t, err)
		return services["dead1"] == nil && services["kept1"] != nil
	})
}

func TestMaintenanceTakesAServiceOut(t *testing.T) {
	t.Parallel()
	a := contract(t)
	check(t, a.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{ID: "out1", Name: "out"}))
	passing := func() int {
		list, _, err := a.Health().Service("out", "", true, nil)
		check(t, err)
		return len(list)
	}
	eventually(t, "a service without checks passes", func() bool { return passing() == 1 })
	check(t, a.Agent().EnableServiceMaintenance("out1", "why"))
	eventually(t, "it does not in maintenance", func() bool { return passing() == 0 })
	if got := statusOf(t, a, "out", "_service_maintenance:out1"); got != "critical" {
		t.Errorf("the maintenance check is %s", got)
	}
	check(t, a.Agent().DisableServiceMaintenance("out1"))
	eventually(t, "it passes again", func() bool { return passing() == 1 })
	check(t, a.Agent().ServiceDeregister("out1"))
}

func TestCatalogTakesNodesThatNoAgentRuns(t *testing.T) {
	t.Parallel()
	a := contract(t)
	// By hand: the client's check has fields that older agents refuse.
	status, body, _ := call(t, "PUT", a.url+"/v1/catalog/register", `{"Node":"ext","Address":"127.0.0.9",
		"Service":{"ID":"db1","Service":"ext-db","Port":5432},
		"Check":{"CheckID":"db-up","Name":"db up","Status":"passing","ServiceID":"db1"}}`)
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	list, _, err := a.Health().Service("ext-db", "", true, nil)
	check(t, err)
	if len(list) != 1 || list[0].Node.Address != "127.0.0.9" || list[0].Service.Port != 5432 || len(list[0].Checks) != 1 {
		t.Errorf("found %+v", list)
	}
	_, err = a.Catalog().Deregister(&consulapi.CatalogDeregistration{Node: "ext"}, nil)
	check(t, err)
	list, _, err = a.Health().Service("ext-db", "", false, nil)
	check(t, err)
	if node, _ := must[*consulapi.CatalogNode](t)(a.Catalog().Node("ext", nil)); node != nil || len(list) != 0 {
		t.Errorf("after deregistration: %+v, %+v", node, list)
	}
}
