package nomad_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// server answers with recorded bodies and gives a client for it.
func server(t *testing.T, handler http.HandlerFunc) *nomad.Client {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return client(t, nomad.Config{Address: s.URL, Token: "very-secret"})
}

func client(t *testing.T, cfg nomad.Config) *nomad.Client {
	t.Helper()
	c, err := nomad.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func job(id string) *nomadapi.Job { return nomadapi.NewServiceJob(id, id, "global", 50) }

func TestErrorsGetACodeAndNoSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   paas.Code
		says   string
	}{
		{"a stale index is a conflict although Nomad answers 500", 500, "Enforcing job modify index 1: job exists with conflicting job modify index: 13", paas.Conflict, "Somebody else changed the Nomad job"},
		{"a refused token is forbidden", 403, "Permission denied", paas.Forbidden, "nomad.token"},
		{"no leader is unavailable", 500, "No cluster leader", paas.Unavailable, "no leader"},
		{"a bad job is invalid", 400, "1 error occurred:\n\t* Missing job datacenters\n", paas.Invalid, "Missing job datacenters"},
		{"a rate limit is unavailable", 429, "slow down", paas.Unavailable, "429"},
		{"anything else is internal", 500, "rpc error: boom.", paas.Internal, "boom."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := server(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, tt.body, tt.status) })
			_, err := c.Register(t.Context(), "acme", job("shop.blue"), 1)
			if got := paas.CodeOf(err); got != tt.want {
				t.Errorf("code = %q, want %q (%v)", got, tt.want, err)
			}
			if got := paas.MessageOf(err); !strings.Contains(got, tt.says) || strings.Contains(got, "..") {
				t.Errorf("message = %q, want one that says %q", got, tt.says)
			}
			if strings.Contains(err.Error(), "very-secret") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestAnUnreachableNomadIsUnavailableAndNamed(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close() // nobody listens there any more
	c := client(t, nomad.Config{Address: strings.Replace(s.URL, "http://", "http://me:hidden@", 1)})
	_, err := c.Ping(t.Context())
	if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), s.URL) || strings.Contains(paas.MessageOf(err), "hidden") {
		t.Errorf("error = %v, want unavailable, naming %s without its password", err, s.URL)
	}
}

func TestACallThatHangsEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(hang) })
	c := client(t, nomad.Config{Address: s.URL, Timeout: 20 * time.Millisecond})
	_, err := c.Job(t.Context(), "acme", "shop.blue")
	if paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("error = %v, want unavailable", err)
	}
}

func TestACanceledCallerIsNotNomadsFault(t *testing.T) {
	t.Parallel()
	c := server(t, http.NotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Job(ctx, "acme", "shop.blue")
	if !errors.Is(err, context.Canceled) || paas.CodeOf(err) == paas.Unavailable {
		t.Errorf("error = %v, want context.Canceled only", err)
	}
}

func TestAMissingJobIsNil(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "job not found", http.StatusNotFound) })
	got, err := c.Job(t.Context(), "acme", "shop.blue")
	if got != nil || err != nil {
		t.Errorf("Job = %v, %v, want nil, nil", got, err)
	}
	if err := c.Deregister(t.Context(), "acme", "shop.blue", true); err != nil {
		t.Errorf("Deregister = %v, want nil", err)
	}
	if err := c.Evaluate(t.Context(), "acme", "shop.blue"); err != nil {
		t.Errorf("Evaluate = %v, want nil", err)
	}
}

func TestARegisterNamesTeamAndIndex(t *testing.T) {
	t.Parallel()
	var query, body string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		query, body = r.URL.RawQuery, string(b)
		_, _ = io.WriteString(w, `{"EvalID":"e1","JobModifyIndex":14}`)
	})
	resp, err := c.Register(t.Context(), "acme", job("shop.blue"), 13)
	if err != nil {
		t.Fatal(err)
	}
	if resp.JobModifyIndex != 14 || query != "namespace=acme" ||
		!strings.Contains(body, `"EnforceIndex":true`) || !strings.Contains(body, `"JobModifyIndex":13`) {
		t.Errorf("index %d, query %s, body %s", resp.JobModifyIndex, query, body)
	}
}

func TestANamespaceThatMayNotBeMadeNamesTheCommand(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		http.Error(w, "Permission denied", http.StatusForbidden)
	})
	err := c.EnsureNamespace(t.Context(), "shop")
	if got := paas.MessageOf(err); paas.CodeOf(err) != paas.Forbidden || !strings.Contains(got, "`nomad namespace apply shop`") {
		t.Errorf("it is %q: %q", paas.CodeOf(err), got)
	}
}

func TestANamespaceIsMadeOnlyWhenMissing(t *testing.T) {
	t.Parallel()
	var calls []string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodGet && r.URL.Path == "/v1/namespace/new" {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `{"Name":"old"}`)
	})
	for _, team := range []string{"default", "old", "new"} {
		if err := c.EnsureNamespace(t.Context(), team); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"GET /v1/namespace/old", "GET /v1/namespace/new", "PUT /v1/namespace"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestListsHoldOnlyAppsAndCarryTheIndex(t *testing.T) {
	t.Parallel()
	var query string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query().Encode()
		w.Header().Set("X-Nomad-Index", "16")
		w.Header().Set("X-Nomad-LastContact", "0")
		switch r.URL.Path {
		case "/v1/allocations":
			_, _ = io.WriteString(w, `[{"ID":"a","JobID":"shop.blue","Namespace":"acme"},{"ID":"b","JobID":"other"}]`)
		case "/v1/evaluations":
			_, _ = io.WriteString(w, `[{"ID":"e","JobID":"shop.blue","Type":"service"},{"ID":"f","JobID":"other","Type":"service"},{"ID":"g","JobID":"shop.blue","Type":"_core"}]`)
		}
	})
	allocs, next, err := c.Allocations(t.Context(), 7, time.Second)
	if err != nil || next != 16 || len(allocs) != 1 || allocs[0].ID != "a" {
		t.Errorf("Allocations = %v, %d, %v, want a at 16", allocs, next, err)
	}
	if want := "index=7&namespace=%2A&resources=true&task_states=true&wait=1000ms"; query != want {
		t.Errorf("query = %s, want %s", query, want)
	}
	evals, next, err := c.Evaluations(t.Context(), 0, 0)
	if err != nil || next != 16 || len(evals) != 1 || evals[0].ID != "e" {
		t.Errorf("Evaluations = %v, %d, %v, want e at 16", evals, next, err)
	}
}
