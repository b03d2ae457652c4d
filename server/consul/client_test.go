package consul_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var shop = paas.AppRef{Team: "acme", App: "shop"}

func server(t *testing.T, handler http.HandlerFunc) *consul.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return client(t, s.URL)
}

func client(t *testing.T, address string) *consul.Client {
	t.Helper()
	c, err := consul.New(consul.Config{Address: address, Token: "very-secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Recorded from Consul 1.8.7 under Nomad 2.0.6-dev, shortened: a check of an app's service, one of
// a node, one of a service of somebody else's, and one with a name of ours that Nomad didn't make.
const checks = `[
 {"Node":"vm","CheckID":"_nomad-check-97","Name":"service: \"acme--shop--web--blue\" check","Status":"critical",
  "Output":"Get \"http://127.0.0.1:28172/\": dial tcp 127.0.0.1:28172:\n connect: connection refused.",
  "ServiceID":"_nomad-task-4c4ec168-a586-5b50-df03-117e0f16509f-group-web-acme--shop--web--blue-http","ServiceName":"acme--shop--web--blue"},
 {"Node":"vm","CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing","ServiceID":"","ServiceName":""},
 {"Node":"vm","CheckID":"x","Status":"passing","ServiceID":"fabio-vm-9998","ServiceName":"fabio"},
 {"Node":"vm","CheckID":"y","Status":"passing","ServiceID":"mine","ServiceName":"acme--shop--web--blue"}]`

func TestChecksAreThoseOfApps(t *testing.T) {
	t.Parallel()
	var query string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Path + "?" + r.URL.Query().Encode()
		w.Header().Set("X-Consul-Index", "28")
		_, _ = io.WriteString(w, checks)
	})
	got, next, err := c.Checks(t.Context(), 7, time.Second)
	if err != nil || next != 28 {
		t.Fatalf("next = %d, %v", next, err)
	}
	want := []paas.Check{{
		ID:      "_nomad-check-97",
		Service: paas.Service{Team: "acme", App: "shop", Process: "web", Slot: paas.Blue},
		Alloc:   "4c4ec168-a586-5b50-df03-117e0f16509f", Port: "http",
		Name: `service: "acme--shop--web--blue" check`, Status: paas.CheckCritical,
		Output: `Get "http://127.0.0.1:28172/": dial tcp 127.0.0.1:28172: connect: connection refused`,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	if want := "/v1/health/state/any?index=7&wait=1000ms"; query != want {
		t.Errorf("query = %s, want %s", query, want)
	}
}

func TestARuleIsWrittenByCompareAndSet(t *testing.T) {
	t.Parallel()
	var calls []string
	answer := "true"
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		calls = append(calls, r.Method+" "+r.URL.Path+"?"+r.URL.Query().Encode()+" "+string(b))
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `[{"Key":"fabio/config/crumpet/acme/shop","Value":"dGV4dA==","ModifyIndex":29}]`)
			return
		}
		_, _ = io.WriteString(w, answer)
	})
	text, index, err := c.Rule(t.Context(), shop)
	if text != "text" || index != 29 || err != nil {
		t.Errorf("Rule = %q, %d, %v", text, index, err)
	}
	if err := c.PutRule(t.Context(), shop, "new", 29); err != nil {
		t.Error(err)
	}
	if err := c.DeleteRule(t.Context(), shop, 29); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /v1/kv/fabio/config/crumpet/acme/shop?consistent= ",
		"PUT /v1/kv/fabio/config/crumpet/acme/shop?cas=29 new",
		"DELETE /v1/kv/fabio/config/crumpet/acme/shop?cas=29 ",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	answer = "false"
	if err := c.PutRule(t.Context(), shop, "new", 5); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("PutRule with an old index = %v, want conflict", err)
	}
	if err := c.DeleteRule(t.Context(), shop, 5); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("DeleteRule with an old index = %v, want conflict", err)
	}
	if err := c.DeleteRule(t.Context(), shop, 0); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("DeleteRule without an index = %v, want conflict: the rule is there", err)
	}
}

func TestAMissingRuleIsEmptyAndDeletedAlready(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			_, _ = io.WriteString(w, "false")
			return
		}
		http.NotFound(w, r)
	})
	if text, index, err := c.Rule(t.Context(), shop); text != "" || index != 0 || err != nil {
		t.Errorf("Rule = %q, %d, %v, want none", text, index, err)
	}
	if err := c.DeleteRule(t.Context(), shop, 29); err != nil {
		t.Errorf("DeleteRule = %v, want nil", err)
	}
	if rules, err := c.Rules(t.Context()); len(rules) != 0 || err != nil {
		t.Errorf("Rules = %v, %v, want none", rules, err)
	}
}

func TestRulesAreThoseOfApps(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"Key":"fabio/config/crumpet/","Value":null,"ModifyIndex":1},
		 {"Key":"fabio/config/crumpet/acme/shop","Value":"dGV4dA==","ModifyIndex":29},
		 {"Key":"fabio/config/crumpet/a/b/c","Value":"eA==","ModifyIndex":30}]`)
	})
	got, err := c.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[paas.AppRef]paas.Rule{shop: {Text: "text", Index: 29}}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// TestServicesAreAllOnNodesThatAreWell: a router that has just started, or whose check is late, may be asked by
// clients, so it counts; one whose node is gone must not hold every deployment.
func TestServicesAreAllOnNodesThatAreWell(t *testing.T) {
	t.Parallel()
	var query string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Path + "?" + r.URL.Query().Encode()
		_, _ = io.WriteString(w, `[{"Node":{"Address":"10.0.0.1"},"Service":{"Address":"","Port":9998}},
		 {"Node":{"Address":"10.0.0.2"},"Service":{"Address":"::1","Port":9997},"Checks":[{"CheckID":"serfHealth","Status":"passing"},{"ServiceID":"fabio","Status":"critical"}]},
		 {"Node":{"Address":"10.0.0.3"},"Service":{"Address":"","Port":9998},"Checks":[{"CheckID":"serfHealth","Status":"critical"},{"ServiceID":"fabio","Status":"passing"}]}]`)
	})
	got, err := c.Services(t.Context(), "fabio")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]consul.Listed{{Address: "10.0.0.1:9998"}, {Address: "[::1]:9997", Ill: true}}, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if query != "/v1/health/service/fabio?" {
		t.Errorf("query = %s", query)
	}
}

func TestErrorsGetACodeAndNoSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   paas.Code
		says   string
	}{
		{"a refused token is forbidden", 403, "Permission denied", paas.Forbidden, "consul.token"},
		{"no leader is unavailable", 500, "No cluster leader", paas.Unavailable, "no leader"},
		{"a value too large is invalid", 413, "Request body too large", paas.Invalid, "too large"},
		{"a gateway's error is unavailable", 502, "", paas.Unavailable, "502"},
		{"a service that an agent with ACLs does not know", 500, "Unknown service {\"crumpet-1\" {}}", paas.NotFound, "knows no such thing"},
		{"anything else is internal", 500, "boom", paas.Internal, "boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := server(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, tt.body, tt.status) })
			err := c.PutRule(t.Context(), shop, "x", 0)
			if paas.CodeOf(err) != tt.want || !strings.Contains(paas.MessageOf(err), tt.says) {
				t.Errorf("error = %v, want %s that says %q", err, tt.want, tt.says)
			}
			if strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	if err := client(t, s.URL).Ping(t.Context()); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), s.URL) {
		t.Errorf("error = %v, want unavailable, naming %s", err, s.URL)
	}
}
