package consul

import (
	"net/http"

	consulapi "github.com/hashicorp/consul/api"
)

// catalogRegister adds what no agent runs: a node, a service on it, checks whose status somebody else reports.
func (s *Server) catalogRegister(w http.ResponseWriter, r *http.Request) error {
	var reg consulapi.CatalogRegistration
	if err := decode(r, &reg); err != nil {
		return err
	}
	if reg.Node == "" || reg.Address == "" {
		return failf(http.StatusInternalServerError, "Must provide node and address")
	}
	checks := reg.Checks
	if c := reg.Check; c != nil {
		checks = append(checks, &consulapi.HealthCheck{
			CheckID: c.CheckID, Name: c.Name, Status: c.Status, Notes: c.Notes, Output: c.Output, ServiceID: c.ServiceID,
		})
	}
	err := s.update(func(t *tx) error {
		if old := t.state.Nodes[reg.Node]; old == nil || (!reg.SkipNodeUpdate && old.Address != reg.Address) {
			node := &consulapi.Node{
				ID: reg.ID, Node: reg.Node, Address: reg.Address, Datacenter: datacenter,
				TaggedAddresses: reg.TaggedAddresses, Meta: reg.NodeMeta, CreateIndex: t.index, ModifyIndex: t.index,
			}
			if old != nil {
				node.CreateIndex = old.CreateIndex
			}
			t.state.Nodes[reg.Node] = node
			t.touch(tableNodes)
		}
		if reg.Service != nil {
			svc := *reg.Service
			if svc.ID == "" {
				svc.ID = svc.Service
			}
			if svc.Weights == (consulapi.AgentWeights{}) {
				svc.Weights = consulapi.AgentWeights{Passing: 1, Warning: 1}
			}
			t.putService(reg.Node, svc)
		}
		for _, h := range checks {
			if err := t.putForeignCheck(reg.Node, *h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, true)
}

func (t *tx) putForeignCheck(node string, h consulapi.HealthCheck) error {
	h.Node = node
	if h.CheckID == "" {
		h.CheckID = h.Name
	}
	if h.Status == "" {
		h.Status = consulapi.HealthCritical
	}
	if h.ServiceID != "" {
		svc, ok := t.state.Services[ident(node, h.ServiceID)]
		if !ok {
			return failf(http.StatusInternalServerError, "Missing service registration")
		}
		h.ServiceName, h.ServiceTags = svc.Agent.Service, svc.Agent.Tags
	}
	t.putCheck(&check{Health: h})
	if h.Status == consulapi.HealthCritical {
		t.dropSessionsOf(node, h.CheckID)
	}
	return nil
}

func (s *Server) catalogDeregister(w http.ResponseWriter, r *http.Request) error {
	var dereg consulapi.CatalogDeregistration
	if err := decode(r, &dereg); err != nil {
		return err
	}
	if dereg.Node == "" {
		return failf(http.StatusInternalServerError, "Must provide node")
	}
	err := s.update(func(t *tx) error {
		switch {
		case dereg.ServiceID != "":
			if svc, ok := t.state.Services[ident(dereg.Node, dereg.ServiceID)]; ok {
				t.deleteService(svc)
			}
		case dereg.CheckID != "":
			if c, ok := t.state.Checks[ident(dereg.Node, dereg.CheckID)]; ok {
				t.deleteCheck(c)
			}
		default:
			t.deleteNode(dereg.Node)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, true)
}

// deleteNode removes a node and all on it. This agent's own node would come back at once, so it stays.
func (t *tx) deleteNode(name string) {
	if _, ok := t.state.Nodes[name]; !ok || name == nodeName {
		return
	}
	for _, svc := range t.state.services(func(svc *service) bool { return svc.Node == name }) {
		t.deleteService(svc)
	}
	for _, c := range t.state.checks(func(c *check) bool { return c.Health.Node == name }) {
		t.deleteCheck(c)
	}
	t.dropSessionsOf(name, "")
	delete(t.state.Nodes, name)
	t.touch(tableNodes)
}
