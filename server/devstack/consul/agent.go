package consul

import (
	"net/http"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

func (s *Server) leader(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, nodeAddr+":8300")
}

func (s *Server) peers(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, http.StatusOK, []string{nodeAddr + ":8300"})
}

// autopilotHealth is of one server, which leads as long as it answers.
func (s *Server) autopilotHealth(w http.ResponseWriter, r *http.Request) error {
	var id string
	s.locked(func(st *state) { id = st.NodeID })
	return writeJSON(w, r, http.StatusOK, consulapi.OperatorHealthReply{
		Healthy: true,
		Servers: []consulapi.ServerHealth{{
			ID: id, Name: nodeName, Address: nodeAddr + ":8300", SerfStatus: "alive", Version: version, Leader: true,
			LastContact: consulapi.NewReadableDuration(0), LastTerm: 1, LastIndex: 1, Healthy: true, Voter: true, StableSince: time.Unix(0, 0).UTC(),
		}},
	})
}

func (s *Server) member(nodeID string) *consulapi.AgentMember {
	return &consulapi.AgentMember{
		Name: nodeName, Addr: nodeAddr, Port: 8301, Status: 1,
		Tags: map[string]string{
			"acls": "0", "bootstrap": "1", "build": version + ":", "dc": datacenter, "id": nodeID,
			"port": "8300", "role": "consul", "segment": "", "raft_vsn": "3", "vsn": "2",
		},
		ProtocolMin: 1, ProtocolMax: 5, ProtocolCur: 2, DelegateMin: 2, DelegateMax: 5, DelegateCur: 4,
	}
}

func (s *Server) agentMembers(w http.ResponseWriter, r *http.Request) error {
	var member *consulapi.AgentMember
	s.locked(func(st *state) { member = s.member(st.NodeID) })
	return writeJSON(w, r, http.StatusOK, []*consulapi.AgentMember{member})
}

func (s *Server) agentSelf(w http.ResponseWriter, r *http.Request) error {
	var member *consulapi.AgentMember
	s.locked(func(st *state) { member = s.member(st.NodeID) })
	return writeJSON(w, r, http.StatusOK, map[string]any{
		"Config": map[string]any{
			"Datacenter": datacenter, "NodeName": nodeName, "NodeID": member.Tags["id"],
			"Revision": "", "Server": true, "Version": version,
		},
		"DebugConfig": map[string]any{
			"ACLsEnabled": false, "ConnectEnabled": false, "Datacenter": datacenter, "NodeName": nodeName,
			"GRPCPort": -1, "GRPCTLSPort": -1, "DNSPort": -1, "DNSAddrs": []string{},
		},
		"Member": member,
		"Meta":   map[string]string{"consul-network-segment": ""},
		"Stats": map[string]any{
			"consul": map[string]string{"server": "true", "leader": "true", "leader_addr": nodeAddr + ":8300"},
		},
	})
}

// own says whether a service was registered with this agent; "consul" is in the catalog only.
func own(svc *service) bool { return svc.Node == nodeName && svc.Agent.ID != "consul" }

func (s *Server) agentServices(w http.ResponseWriter, r *http.Request) error {
	services := map[string]consulapi.AgentService{}
	s.locked(func(st *state) {
		for _, svc := range st.services(own) {
			services[svc.Agent.ID] = agentView(svc)
		}
	})
	return writeJSON(w, r, http.StatusOK, services)
}

// agentView is a service without what only the catalog knows. Services are replaced, never changed, so it may be used
// after mu is unlocked.
func agentView(svc *service) consulapi.AgentService {
	view := svc.Agent
	view.CreateIndex, view.ModifyIndex = 0, 0
	return view
}

func (s *Server) agentService(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	var view consulapi.AgentService
	var found bool
	s.locked(func(st *state) {
		if svc, ok := st.Services[ident(nodeName, id)]; ok && own(svc) {
			view, found = agentView(svc), true
		}
	})
	if !found {
		return failf(http.StatusNotFound, "unknown service ID: %s", id)
	}
	return writeJSON(w, r, http.StatusOK, view)
}

func (s *Server) agentChecks(w http.ResponseWriter, r *http.Request) error {
	checks := map[string]consulapi.AgentCheck{}
	s.locked(func(st *state) {
		for _, c := range st.checks(func(c *check) bool { return c.Health.Node == nodeName && c.Health.CheckID != serfHealth }) {
			h := c.Health
			checks[h.CheckID] = consulapi.AgentCheck{
				Node: h.Node, CheckID: h.CheckID, Name: h.Name, Status: h.Status, Notes: h.Notes, Output: h.Output,
				ServiceID: h.ServiceID, ServiceName: h.ServiceName, Type: h.Type,
			}
		}
	})
	return writeJSON(w, r, http.StatusOK, checks)
}

func (s *Server) agentHealthByID(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	infos := s.agentHealth(func(svc *service) bool { return svc.Agent.ID == id })
	if len(infos) == 0 {
		w.Header().Set("X-Consul-Reason", "ServiceId "+id+" not found")
		return writeJSON(w, r, http.StatusNotFound, consulapi.AgentServiceChecksInfo{AggregatedStatus: consulapi.HealthCritical})
	}
	return writeJSON(w, r, healthCode(infos[0].AggregatedStatus), infos[0])
}

func (s *Server) agentHealthByName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("id")
	infos := s.agentHealth(func(svc *service) bool { return svc.Agent.Service == name })
	if len(infos) == 0 {
		w.Header().Set("X-Consul-Reason", "ServiceName "+name+" Not Found")
		return writeJSON(w, r, http.StatusNotFound, infos)
	}
	code := http.StatusOK
	for _, info := range infos {
		code = max(code, healthCode(info.AggregatedStatus))
	}
	return writeJSON(w, r, code, infos)
}

// healthCode is how the agent says in a status code how a service is: 429 is a warning, 503 is critical.
func healthCode(status string) int {
	switch status {
	case consulapi.HealthPassing:
		return http.StatusOK
	case consulapi.HealthWarning:
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

func (s *Server) agentHealth(keep func(*service) bool) []consulapi.AgentServiceChecksInfo {
	infos := []consulapi.AgentServiceChecksInfo{}
	s.locked(func(st *state) {
		for _, svc := range st.services(func(svc *service) bool { return own(svc) && keep(svc) }) {
			view := agentView(svc)
			info := consulapi.AgentServiceChecksInfo{Service: &view, Checks: consulapi.HealthChecks{}}
			for _, c := range st.checksOf(svc) {
				if c.Health.CheckID != serfHealth {
					h := c.Health
					info.Checks = append(info.Checks, &h)
				}
			}
			info.AggregatedStatus = info.Checks.AggregatedStatus()
			infos = append(infos, info)
		}
	})
	return infos
}
