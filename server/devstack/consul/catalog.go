package consul

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// putService stores an instance. The same again changes nothing; new tags reach its checks, whose readers need them.
func (t *tx) putService(node string, svc consulapi.AgentService) {
	if svc.Tags == nil {
		svc.Tags = []string{}
	}
	svc.CreateIndex, svc.ModifyIndex = t.index, t.index
	key := ident(node, svc.ID)
	old, ok := t.state.Services[key]
	if ok {
		same := svc
		same.CreateIndex, same.ModifyIndex = old.Agent.CreateIndex, old.Agent.ModifyIndex
		if reflect.DeepEqual(same, old.Agent) {
			return
		}
		svc.CreateIndex = old.Agent.CreateIndex
	}
	t.state.Services[key] = &service{Node: node, Agent: svc}
	t.touch(tableServices, serviceTable(svc.Service))
	if ok && old.Agent.Service != svc.Service {
		t.extinct(old.Agent.Service)
	}
	for _, c := range t.state.checks(func(c *check) bool { return c.Health.Node == node && c.Health.ServiceID == svc.ID }) {
		if c.Health.ServiceName != svc.Service || !slices.Equal(c.Health.ServiceTags, svc.Tags) {
			c.Health.ServiceName, c.Health.ServiceTags = svc.Service, svc.Tags
			t.checkChanged(c)
		}
	}
}

func (t *tx) deleteService(svc *service) {
	for _, c := range t.state.checks(func(c *check) bool { return c.Health.Node == svc.Node && c.Health.ServiceID == svc.Agent.ID }) {
		t.deleteCheck(c)
	}
	delete(t.state.Services, ident(svc.Node, svc.Agent.ID))
	t.touch(tableServices)
	t.extinct(svc.Agent.Service)
}

// extinct moves a service's index after one of its instances went; the last takes the index of its own along.
func (t *tx) extinct(name string) {
	if len(t.state.services(func(svc *service) bool { return svc.Agent.Service == name })) > 0 {
		t.touch(serviceTable(name))
		return
	}
	delete(t.state.Tables, serviceTable(name))
	t.touch(tableExtinct)
}

// putCheck stores a check as it is given; the same again changes nothing.
func (t *tx) putCheck(c *check) {
	if c.Health.ServiceTags == nil {
		c.Health.ServiceTags = []string{}
	}
	key := ident(c.Health.Node, c.Health.CheckID)
	if old, ok := t.state.Checks[key]; ok {
		c.Health.CreateIndex, c.Health.ModifyIndex = old.Health.CreateIndex, old.Health.ModifyIndex
		t.state.Checks[key] = c
		if reflect.DeepEqual(c.Health, old.Health) {
			// Nobody outside sees a new definition, but it must be on disk.
			t.dirty = t.dirty || !reflect.DeepEqual(c.Definition, old.Definition)
			return
		}
	} else {
		c.Health.CreateIndex = t.index
		t.state.Checks[key] = c
	}
	t.checkChanged(c)
}

// putOwnCheck stores a check that this agent runs. A check that exists keeps its status, and its output, until the next
// run: registering again must not take a service out of use.
func (t *tx) putOwnCheck(c *check) {
	now := time.Now()
	if c.Health.Status == "" {
		c.Health.Status = consulapi.HealthCritical
	}
	if old, ok := t.state.Checks[ident(nodeName, c.Health.CheckID)]; ok {
		c.Health.Status, c.Health.Output = old.Health.Status, old.Health.Output
		c.criticalSince = old.criticalSince
	}
	t.schedule(c, now)
	t.putCheck(c)
}

// checkChanged moves the indexes that a change of c is seen by: a check of a node is part of each service on it.
func (t *tx) checkChanged(c *check) {
	c.Health.ModifyIndex = t.index
	t.touch(tableChecks)
	if c.Health.ServiceID != "" {
		t.touch(serviceTable(c.Health.ServiceName))
		return
	}
	for _, svc := range t.state.services(func(svc *service) bool { return svc.Node == c.Health.Node }) {
		t.touch(serviceTable(svc.Agent.Service))
	}
}

func (t *tx) deleteCheck(c *check) {
	t.checkChanged(c)
	delete(t.state.Checks, ident(c.Health.Node, c.Health.CheckID))
	t.dropSessionsOf(c.Health.Node, c.Health.CheckID)
}

// setStatus records a result. Only a new status moves indexes: output alone would wake every reader at each run.
func (t *tx) setStatus(c *check, status, output string, now time.Time) {
	c.Health.Output = output
	switch {
	case status != consulapi.HealthCritical:
		c.criticalSince = time.Time{}
	case c.criticalSince.IsZero():
		c.criticalSince = now
	}
	if c.Health.Status == status {
		return
	}
	c.Health.Status = status
	t.checkChanged(c)
	if status == consulapi.HealthCritical {
		t.dropSessionsOf(c.Health.Node, c.Health.CheckID)
	}
}

func (s *Server) datacenters(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, []string{datacenter})
}

func (s *Server) catalogNodes(w http.ResponseWriter, r *http.Request) error {
	return s.block(w, r, func(st *state) answer {
		nodes := []*consulapi.Node{}
		for _, name := range slices.Sorted(maps.Keys(st.Nodes)) {
			nodes = append(nodes, st.Nodes[name])
		}
		return answer{index: st.Tables[tableNodes], body: nodes}
	})
}

func (s *Server) catalogNode(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("node")
	return s.block(w, r, func(st *state) answer {
		index := max(st.Tables[tableNodes], st.Tables[tableServices])
		node, ok := st.Nodes[name]
		if !ok {
			return answer{index: index, missing: true, body: (*consulapi.CatalogNode)(nil)}
		}
		found := consulapi.CatalogNode{Node: node, Services: map[string]*consulapi.AgentService{}}
		for _, svc := range st.services(func(svc *service) bool { return svc.Node == name }) {
			found.Services[svc.Agent.ID] = &svc.Agent
		}
		return answer{index: index, body: found}
	})
}

func (s *Server) catalogServices(w http.ResponseWriter, r *http.Request) error {
	return s.block(w, r, func(st *state) answer {
		tags := map[string][]string{}
		for _, svc := range st.Services {
			all := append(tags[svc.Agent.Service], svc.Agent.Tags...)
			slices.Sort(all)
			all = slices.Compact(all)
			if all == nil {
				all = []string{}
			}
			tags[svc.Agent.Service] = all
		}
		return answer{index: st.Tables[tableServices], body: tags}
	})
}

// tagged admits instances of a service that have every tag; tags are compared without case.
func tagged(r *http.Request, name string) func(*service) bool {
	want := r.URL.Query()["tag"]
	return func(svc *service) bool {
		if svc.Agent.Service != name {
			return false
		}
		for _, tag := range want {
			if !slices.ContainsFunc(svc.Agent.Tags, func(has string) bool { return strings.EqualFold(has, tag) }) {
				return false
			}
		}
		return true
	}
}

func (s *Server) catalogService(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	keep := tagged(r, name)
	return s.block(w, r, func(st *state) answer {
		list := []consulapi.CatalogService{}
		for _, svc := range st.services(keep) {
			node, a := st.Nodes[svc.Node], svc.Agent
			list = append(list, consulapi.CatalogService{
				ID: node.ID, Node: node.Node, Address: node.Address, Datacenter: node.Datacenter,
				TaggedAddresses: node.TaggedAddresses, NodeMeta: node.Meta,
				ServiceID: a.ID, ServiceName: a.Service, ServiceAddress: a.Address, ServiceTaggedAddresses: a.TaggedAddresses,
				ServiceTags: a.Tags, ServiceMeta: a.Meta, ServicePort: a.Port, ServiceEnableTagOverride: a.EnableTagOverride,
				ServiceWeights: consulapi.Weights(a.Weights), CreateIndex: a.CreateIndex, ModifyIndex: a.ModifyIndex,
			})
		}
		return answer{index: st.serviceIndex(name), missing: len(list) == 0, body: list}
	})
}
