package consul

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

func (s *Server) registerService(w http.ResponseWriter, r *http.Request) error {
	var reg consulapi.AgentServiceRegistration
	if err := decode(r, &reg); err != nil {
		return err
	}
	if reg.Name == "" {
		return failf(http.StatusBadRequest, "Missing service name")
	}
	if reg.Kind != "" || reg.Proxy != nil || reg.IsConnectEnabled() {
		return failf(http.StatusNotImplemented, "the embedded Consul has no Connect")
	}
	if reg.ID == "" {
		reg.ID = reg.Name
	}
	checks, err := s.checksOfRegistration(&reg)
	if err != nil {
		return err
	}
	replace, _ := strconv.ParseBool(r.URL.Query().Get("replace-existing-checks"))
	err = s.update(func(t *tx) error {
		t.putService(nodeName, serviceOf(&reg))
		keep := map[string]bool{}
		for _, c := range checks {
			keep[c.Health.CheckID] = true
			t.putOwnCheck(c)
		}
		for _, old := range t.state.checks(func(c *check) bool { return c.Health.Node == nodeName && c.Health.ServiceID == reg.ID }) {
			if replace && !keep[old.Health.CheckID] {
				t.deleteCheck(old)
			}
		}
		return nil
	})
	s.poke()
	return err
}

func serviceOf(reg *consulapi.AgentServiceRegistration) consulapi.AgentService {
	svc := consulapi.AgentService{
		ID: reg.ID, Service: reg.Name, Tags: reg.Tags, Meta: reg.Meta, Port: reg.Port, Address: reg.Address,
		TaggedAddresses: reg.TaggedAddresses, EnableTagOverride: reg.EnableTagOverride,
		Weights: consulapi.AgentWeights{Passing: 1, Warning: 1},
	}
	if reg.Weights != nil {
		svc.Weights = *reg.Weights
	}
	return svc
}

// checksOfRegistration names a service's checks as Consul does: service:ID, or service:ID:1, :2 and so on.
func (s *Server) checksOfRegistration(reg *consulapi.AgentServiceRegistration) ([]*check, error) {
	var given []*consulapi.AgentServiceCheck
	for _, c := range append([]*consulapi.AgentServiceCheck{reg.Check}, reg.Checks...) {
		if !isEmpty(c) {
			given = append(given, c)
		}
	}
	var checks []*check
	for i, c := range given {
		def, err := s.define(c)
		if err != nil {
			return nil, err
		}
		if c.Status != "" && !validStatus(c.Status) {
			return nil, failf(http.StatusBadRequest, "Status for checks must 'passing', 'warning', 'critical'")
		}
		h := consulapi.HealthCheck{
			Node: nodeName, CheckID: c.CheckID, Name: c.Name, Notes: c.Notes, Type: def.kind(), Status: c.Status,
			ServiceID: reg.ID, ServiceName: reg.Name, ServiceTags: reg.Tags,
		}
		if h.CheckID == "" {
			h.CheckID = "service:" + reg.ID
			if len(given) > 1 {
				h.CheckID += fmt.Sprintf(":%d", i+1)
			}
		}
		if h.Name == "" {
			h.Name = fmt.Sprintf("Service '%s' check", reg.Name)
		}
		checks = append(checks, &check{Health: h, Definition: def})
	}
	return checks, nil
}

func (s *Server) deregisterService(_ http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return s.update(func(t *tx) error {
		if svc, ok := t.state.Services[ident(nodeName, id)]; ok && own(svc) {
			t.deleteService(svc)
		}
		return nil
	})
}

func maintenanceID(serviceID string) string { return "_service_maintenance:" + serviceID }

// maintainService adds or removes the critical check by which Consul takes a service out of use.
func (s *Server) maintainService(_ http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	enable, err := strconv.ParseBool(r.URL.Query().Get("enable"))
	if err != nil {
		return failf(http.StatusBadRequest, "Invalid value for enable: %q", r.URL.Query().Get("enable"))
	}
	return s.update(func(t *tx) error {
		svc, ok := t.state.Services[ident(nodeName, id)]
		if !ok || !own(svc) {
			return failf(http.StatusNotFound, "No service registered with ID %q", id)
		}
		old := t.state.Checks[ident(nodeName, maintenanceID(id))]
		switch {
		case enable && old == nil:
			reason := r.URL.Query().Get("reason")
			if reason == "" {
				reason = "Maintenance mode is enabled for this service, but no reason was provided. This is a default message."
			}
			t.putCheck(&check{Health: consulapi.HealthCheck{
				Node: nodeName, CheckID: maintenanceID(id), Name: "Service Maintenance Mode", Notes: reason,
				Status: consulapi.HealthCritical, Type: "maintenance",
				ServiceID: id, ServiceName: svc.Agent.Service, ServiceTags: svc.Agent.Tags,
			}})
		case !enable && old != nil:
			t.deleteCheck(old)
		}
		return nil
	})
}

func (s *Server) registerCheck(_ http.ResponseWriter, r *http.Request) error {
	var reg consulapi.AgentCheckRegistration
	if err := decode(r, &reg); err != nil {
		return err
	}
	if reg.Name == "" {
		return failf(http.StatusBadRequest, "Missing check name")
	}
	if reg.Status != "" && !validStatus(reg.Status) {
		return failf(http.StatusBadRequest, "Bad check status")
	}
	def, err := s.define(&reg.AgentServiceCheck)
	if err != nil {
		return err
	}
	h := consulapi.HealthCheck{
		Node: nodeName, CheckID: reg.ID, Name: reg.Name, Notes: reg.Notes, Status: reg.Status, Type: def.kind(), ServiceID: reg.ServiceID,
	}
	if h.CheckID == "" {
		h.CheckID = reg.CheckID
	}
	if h.CheckID == "" {
		h.CheckID = reg.Name
	}
	err = s.update(func(t *tx) error {
		if h.ServiceID != "" {
			svc, ok := t.state.Services[ident(nodeName, h.ServiceID)]
			if !ok {
				return failf(http.StatusInternalServerError, "ServiceID %q does not exist", h.ServiceID)
			}
			h.ServiceName, h.ServiceTags = svc.Agent.Service, svc.Agent.Tags
		}
		t.putOwnCheck(&check{Health: h, Definition: def})
		return nil
	})
	s.poke()
	return err
}

func (s *Server) deregisterCheck(_ http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return s.update(func(t *tx) error {
		if c, ok := t.state.Checks[ident(nodeName, id)]; ok && id != serfHealth {
			t.deleteCheck(c)
		}
		return nil
	})
}

func (s *Server) ttlNote(status string) handler {
	return func(_ http.ResponseWriter, r *http.Request) error {
		return s.setTTL(r.PathValue("id"), status, r.URL.Query().Get("note"))
	}
}

func (s *Server) ttlUpdate(_ http.ResponseWriter, r *http.Request) error {
	var body struct{ Status, Output string }
	if err := decode(r, &body); err != nil {
		return err
	}
	if !validStatus(body.Status) {
		return failf(http.StatusBadRequest, "Invalid check status: '%s'", body.Status)
	}
	return s.setTTL(r.PathValue("id"), body.Status, body.Output)
}

func (s *Server) setTTL(id, status, output string) error {
	err := s.update(func(t *tx) error {
		c, ok := t.state.Checks[ident(nodeName, id)]
		if !ok || c.Definition == nil || c.Definition.kind() != "ttl" {
			return failf(http.StatusInternalServerError, "CheckID %q does not have associated TTL", id)
		}
		now := time.Now()
		c.due = now.Add(c.Definition.TTL)
		t.setStatus(c, status, output, now)
		return nil
	})
	s.poke()
	return err
}
