package nomad_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
)

func TestVariablesAreComparedBeforeTheyAreSet(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	team := &nomadapi.WriteOptions{Namespace: "team"}
	put := func(index uint64, value string) (*nomadapi.Variable, error) {
		v, _, err := s.Variables().CheckedUpdate(&nomadapi.Variable{Namespace: "team", Path: "nomad/jobs", ModifyIndex: index, Items: nomadapi.VariableItems{"shop--db": value}}, team)
		return v, err
	}
	first, err := put(0, "1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(0, "2"); !errors.As(err, new(nomadapi.ErrCASConflict)) {
		t.Errorf("a second first write: %v", err)
	}
	waited := make(chan *nomadapi.Variable, 1)
	go func() {
		v, _, _ := s.Variables().Read("nomad/jobs", &nomadapi.QueryOptions{Namespace: "team", WaitIndex: first.ModifyIndex, WaitTime: time.Minute})
		waited <- v
	}()
	second, err := put(first.ModifyIndex, "2")
	if err != nil || second.CreateIndex != first.CreateIndex || second.ModifyIndex <= first.ModifyIndex {
		t.Fatalf("%+v, %v", second, err)
	}
	if v := <-waited; v == nil || v.Items["shop--db"] != "2" {
		t.Errorf("who waited got %+v", v)
	}
	s.stop()
	s.open(t)
	v, _, err := s.Variables().Read("nomad/jobs", &nomadapi.QueryOptions{Namespace: "team"})
	if err != nil || v.Items["shop--db"] != "2" || v.ModifyIndex != second.ModifyIndex {
		t.Errorf("after a restart: %+v, %v", v, err)
	}
	list, _, err := s.Variables().PrefixList("nomad", &nomadapi.QueryOptions{Namespace: "*"})
	if err != nil || len(list) != 1 || list[0].Path != "nomad/jobs" || list[0].Namespace != "team" {
		t.Errorf("listed %+v, %v", list, err)
	}
	if _, err := s.Variables().CheckedDelete("nomad/jobs", first.ModifyIndex, team); !errors.As(err, new(nomadapi.ErrCASConflict)) {
		t.Errorf("deleted at an old index: %v", err)
	}
	if _, err := s.Variables().CheckedDelete("nomad/jobs", second.ModifyIndex, team); err != nil {
		t.Error(err)
	}
	if v, _, err := s.Variables().Peek("nomad/jobs", &nomadapi.QueryOptions{Namespace: "team"}); v != nil || err != nil {
		t.Errorf("after its deletion: %+v, %v", v, err)
	}
	for path, why := range map[string]string{
		"nomad/jobs/shop.blue": "invalid path", "nomad": "reserved", "nomad/other": "only paths at", strings.Repeat("a", 129): "invalid path",
	} {
		_, _, err := s.Variables().Update(&nomadapi.Variable{Path: path, Items: nomadapi.VariableItems{"a": "b"}}, nil)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", path, err, why)
		}
	}
}

// reachable gives a stand-in that its own templates reach.
func reachable(t *testing.T) *stack {
	t.Helper()
	var s *stack
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := url.Parse(s.addr)
		if err != nil {
			t.Error(err)
			return
		}
		httputil.NewSingleHostReverseProxy(u).ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	s = start(t, func(c *nomad.Config) { c.Advertise = strings.TrimPrefix(front.URL, "http://") })
	return s
}

func (s *stack) generation(t *testing.T, n string) {
	t.Helper()
	if _, _, err := s.Variables().Update(&nomadapi.Variable{Path: "nomad/jobs", Items: nomadapi.VariableItems{"shop--db": n}}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestATemplateFollowsAVariable(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	reading := func(id string, once bool) *nomadapi.Job {
		j := job(id, 1, `while true; do cat local/generation; sleep 0.1; done`)
		j.TaskGroups[0].Tasks[0].Templates = []*nomadapi.Template{{
			EmbeddedTmpl: new("generation {{ with nomadVar \"nomad/jobs\" }}{{ (index . \"shop--db\").Value }}{{ end }}\n"), DestPath: new("local/generation"),
			ChangeMode: new("noop"), Once: &once,
		}}
		return j
	}
	s.register(t, reading("shop.blue", false))
	s.register(t, reading("shop.once", true))
	s.until(t, "it is said what is missing", func() bool {
		for _, a := range s.allocs(t, "shop.blue") {
			for _, e := range task(a, "web").Events {
				if strings.HasPrefix(e.DisplayMessage, "Missing: nomad.var.") && e.Type == "Template" {
					return true
				}
			}
		}
		return false
	})
	s.generation(t, "1")
	follows := s.running(t, "shop.blue", 1)["shop.blue.web[0]"]
	once := s.running(t, "shop.once", 1)["shop.once.web[0]"]
	s.until(t, "both have the first", func() bool {
		return strings.HasSuffix(s.log(t, follows.ID), "generation 1\n") && strings.HasSuffix(s.log(t, once.ID), "generation 1\n")
	})
	s.generation(t, "2")
	s.until(t, "who follows has the second", func() bool { return strings.HasSuffix(s.log(t, follows.ID), "generation 2\n") })
	if strings.Contains(s.log(t, once.ID), "generation 2") {
		t.Error("what is rendered once was rendered again")
	}
	for id, a := range map[string]*nomadapi.AllocationListStub{"shop.blue": follows, "shop.once": once} {
		if n := a.TaskStates["web"].Restarts; n > 0 {
			t.Errorf("%s restarted %d times", id, n)
		}
	}
}
