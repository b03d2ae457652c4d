package catalog_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/consul"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/catalog"
)

const alloc = "33bb42ca-14d4-12d8-7c60-889d5c68b302"

// asIs replaces nothing but one word, to show that texts are passed through it.
type asIs struct{}

func (asIs) Replace(s string) string { return strings.ReplaceAll(s, "${WORD}", "word") }

func sample(edit func(*nomadapi.Service)) *nomadapi.Allocation {
	service := &nomadapi.Service{
		Name: "default--shop--web--blue", PortLabel: "http", Provider: "consul", Tags: []string{"urlprefix-shop.localhost/", "${WORD}"},
		Checks: []nomadapi.ServiceCheck{{
			Name: "ready", Type: "http", Path: "/", Interval: time.Second, Timeout: time.Second, OnUpdate: "require_healthy",
		}},
	}
	if edit != nil {
		edit(service)
	}
	return &nomadapi.Allocation{
		ID: alloc, TaskGroup: "web",
		Job: &nomadapi.Job{TaskGroups: []*nomadapi.TaskGroup{{Name: new("web"), Services: []*nomadapi.Service{service}}}},
		AllocatedResources: &nomadapi.AllocatedResources{Shared: nomadapi.AllocatedSharedResources{
			Networks: []*nomadapi.NetworkResource{{IP: "127.0.0.1"}},
			Ports:    []nomadapi.PortMapping{{Label: "http", Value: 25717, HostIP: "127.0.0.1"}},
		}},
	}
}

func of(t *testing.T, a *nomadapi.Allocation) []catalog.Registration {
	t.Helper()
	out, err := catalog.Of(a, asIs{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestIDsAreThoseOfNomad(t *testing.T) {
	t.Parallel()
	got := of(t, sample(nil))
	// Both were read from a Consul that Nomad 2.0.6 had registered this with.
	if want := "_nomad-task-" + alloc + "-group-web-default--shop--web--blue-http"; got[0].Service.ID != want {
		t.Errorf("service %s", got[0].Service.ID)
	}
	if want := "_nomad-check-89f3695188dd5cbfd7216ab715c00d4bfe29e4a2fa4e66e6d6aebc3365e056e0"; got[0].Checks[0].ID != want {
		t.Errorf("check %s", got[0].Checks[0].ID)
	}
	if diff := cmp.Diff([]string{"urlprefix-shop.localhost/", "word"}, got[0].Service.Tags); diff != "" {
		t.Error(diff)
	}
	if got[0].Checks[0].HTTP != "http://127.0.0.1:25717/" {
		t.Errorf("check asks %s", got[0].Checks[0].HTTP)
	}
}

func TestOnlyAChangedCheckHasANewID(t *testing.T) {
	t.Parallel()
	before := of(t, sample(nil))[0]
	tags := of(t, sample(func(s *nomadapi.Service) { s.Tags = nil }))[0]
	if tags.Checks[0].ID != before.Checks[0].ID {
		t.Error("other tags made another check")
	}
	path := of(t, sample(func(s *nomadapi.Service) { s.Checks[0].Path = "/x" }))[0]
	if path.Checks[0].ID == before.Checks[0].ID {
		t.Error("another path made the same check")
	}
}

func TestAServiceOfAnUnknownPortIsAnError(t *testing.T) {
	t.Parallel()
	_, err := catalog.Of(sample(func(s *nomadapi.Service) { s.PortLabel = "nope" }), asIs{})
	if err == nil || !strings.Contains(err.Error(), "nope") {
		t.Errorf("got %v", err)
	}
}

// agent is a Consul without anything, and a catalog for it.
func agent(t *testing.T, known func(string) bool) (*consulapi.Client, *catalog.Catalog) {
	t.Helper()
	server, err := consul.Open(consul.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx) })
	http := httptest.NewServer(server)
	t.Cleanup(func() {
		cancel()
		running.Wait()
		http.Close()
	})
	client, err := consulapi.NewClient(&consulapi.Config{Address: http.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client, catalog.New(client, known, slog.New(slog.DiscardHandler))
}

func ids(t *testing.T, client *consulapi.Client) (services map[string]*consulapi.AgentService, checks map[string]*consulapi.AgentCheck) {
	t.Helper()
	services, err := client.Agent().Services()
	if err != nil {
		t.Fatal(err)
	}
	if checks, err = client.Agent().Checks(); err != nil {
		t.Fatal(err)
	}
	return services, checks
}

func TestConsulIsRepaired(t *testing.T) {
	t.Parallel()
	client, c := agent(t, func(string) bool { return true })
	sync := func() {
		t.Helper()
		if err := c.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := of(t, sample(nil))
	c.Set(alloc, want)
	sync()
	id, check := want[0].Service.ID, want[0].Checks[0].ID
	if services, checks := ids(t, client); services[id] == nil || checks[check] == nil {
		t.Fatalf("not registered: %v %v", services, checks)
	}

	if err := client.Agent().ServiceDeregister(id); err != nil {
		t.Fatal(err)
	}
	sync()
	if services, checks := ids(t, client); services[id] == nil || checks[check] == nil {
		t.Error("what Consul lost was not put back")
	}

	c.Set(alloc, of(t, sample(func(s *nomadapi.Service) { s.Tags = []string{"new"} })))
	sync()
	if services, checks := ids(t, client); services[id].Tags[0] != "new" || checks[check] == nil {
		t.Error("the tags were not changed, or the check was lost")
	}

	c.Set(alloc, of(t, sample(func(s *nomadapi.Service) { s.Checks[0].Path = "/x" })))
	sync()
	if _, checks := ids(t, client); checks[check] != nil || len(checks) != 1 {
		t.Errorf("checks are %v", checks)
	}

	if err := c.Remove(t.Context(), alloc); err != nil {
		t.Fatal(err)
	}
	if services, _ := ids(t, client); len(services) != 0 {
		t.Errorf("left are %v", services)
	}
}

func TestOnlyWhatWasOursIsTakenAway(t *testing.T) {
	t.Parallel()
	client, c := agent(t, func(id string) bool { return id == alloc })
	other := "44bb42ca-14d4-12d8-7c60-889d5c68b302"
	for _, id := range []string{"redis", "_nomad-task-" + alloc + "-group-web-x-http", "_nomad-task-" + other + "-group-web-x-http"} {
		if err := client.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{ID: id, Name: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	services, _ := ids(t, client)
	if len(services) != 2 || services["redis"] == nil {
		t.Errorf("left are %v", services)
	}
}
