package consul

import (
	"net/http"
	"strconv"

	consulapi "github.com/hashicorp/consul/api"
)

// checksOf lists what decides on an instance: its own checks and those of its node.
func (st *state) checksOf(svc *service) []*check {
	return st.checks(func(c *check) bool {
		return c.Health.Node == svc.Node && (c.Health.ServiceID == "" || c.Health.ServiceID == svc.Agent.ID)
	})
}

func (s *Server) healthService(w http.ResponseWriter, r *http.Request) error {
	name, q := r.PathValue("name"), r.URL.Query()
	keep := tagged(r, name)
	passing := q.Has("passing")
	if v := q.Get("passing"); v != "" {
		var err error
		if passing, err = strconv.ParseBool(v); err != nil {
			return failf(http.StatusBadRequest, "Invalid value for ?passing")
		}
	}
	s.awaitSettled(r.Context())
	return s.block(w, r, func(st *state) answer {
		list := []consulapi.ServiceEntry{}
		for _, svc := range st.services(keep) {
			found := consulapi.ServiceEntry{Node: st.Nodes[svc.Node], Service: &svc.Agent, Checks: consulapi.HealthChecks{}}
			well := true
			for _, c := range st.checksOf(svc) {
				found.Checks = append(found.Checks, &c.Health)
				well = well && c.Health.Status == consulapi.HealthPassing
			}
			if well || !passing {
				list = append(list, found)
			}
		}
		// Not passing is not missing: Consul wakes a ?passing reader at each change of the service.
		gone := len(st.services(func(svc *service) bool { return svc.Agent.Service == name })) == 0
		return answer{index: st.serviceIndex(name), missing: gone, body: list}
	})
}

// blockChecks answers with the checks that keep admits. Consul has one index for all of them.
func (s *Server) blockChecks(w http.ResponseWriter, r *http.Request, keep func(*check) bool) error {
	s.awaitSettled(r.Context())
	return s.block(w, r, func(st *state) answer {
		list := consulapi.HealthChecks{}
		for _, c := range st.checks(keep) {
			list = append(list, &c.Health)
		}
		return answer{index: st.Tables[tableChecks], body: list}
	})
}

func (s *Server) healthState(w http.ResponseWriter, r *http.Request) error {
	want := r.PathValue("state")
	return s.blockChecks(w, r, func(c *check) bool { return want == consulapi.HealthAny || c.Health.Status == want })
}

func (s *Server) healthNode(w http.ResponseWriter, r *http.Request) error {
	node := r.PathValue("node")
	return s.blockChecks(w, r, func(c *check) bool { return c.Health.Node == node })
}

func (s *Server) healthChecks(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	return s.blockChecks(w, r, func(c *check) bool { return c.Health.ServiceName == name })
}
