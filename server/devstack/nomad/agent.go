package nomad

import (
	"net/http"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// serverID is the one server's name in raft, which there is none of.
const serverID = "00000000-0000-0000-0000-000000000001"

func (s *Server) member() nomadapi.AgentMember {
	return nomadapi.AgentMember{
		Name: s.cfg.Name + "." + s.cfg.Region, Addr: "127.0.0.1", Status: "alive",
		Tags: map[string]string{"role": "nomad", "region": s.cfg.Region, "dc": s.cfg.Datacenter, "build": version},
	}
}

func (s *Server) agentSelf(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, map[string]any{
		"config": map[string]any{
			"Region": s.cfg.Region, "Datacenter": s.cfg.Datacenter, "NodeName": s.cfg.Name,
			"Version":        map[string]any{"Version": version, "VersionPrerelease": "", "VersionMetadata": "embedded"},
			"AdvertiseAddrs": map[string]any{"HTTP": s.cfg.Advertise},
			"Server":         map[string]any{"Enabled": true, "HeartbeatGrace": heartbeatGrace},
			// Its tasks see the whole machine: no chroot is built.
			"Client": map[string]any{"Enabled": true, "MaxKillTimeout": maxKillTimeout.String(), "ChrootEnv": map[string]string{"/": "/"}},
			"ACL":    map[string]any{"Enabled": false},
		},
		"member": s.member(),
		"stats": map[string]map[string]string{
			"nomad":  {"server": "true", "leader": "true", "bootstrap": "true"},
			"client": {"node_id": s.node},
		},
	})
}

func (s *Server) agentHealth(w http.ResponseWriter, r *http.Request) {
	out, ok := nomadapi.AgentHealthResponse{}, &nomadapi.AgentHealth{Ok: true, Message: "ok"}
	if kind := r.URL.Query().Get("type"); kind != "client" {
		out.Server = ok
		if kind != "server" {
			out.Client = ok
		}
	} else {
		out.Client = ok
	}
	s.reply(w, out)
}

func (s *Server) agentMembers(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, nomadapi.ServerMembers{
		ServerName: s.cfg.Name, ServerRegion: s.cfg.Region, ServerDC: s.cfg.Datacenter,
		Members: []*nomadapi.AgentMember{new(s.member())},
	})
}

func (s *Server) leader(w http.ResponseWriter, _ *http.Request) { s.reply(w, s.cfg.Advertise) }

// autopilotHealth is of one server, which leads as long as it answers.
func (s *Server) autopilotHealth(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, nomadapi.OperatorHealthReply{
		Healthy: true, Leader: serverID, Voters: []string{serverID},
		Servers: []nomadapi.ServerHealth{{
			ID: serverID, Name: s.cfg.Name + "." + s.cfg.Region, Address: s.cfg.Advertise, SerfStatus: "alive", Version: version,
			Leader: true, Healthy: true, Voter: true, LastTerm: 1, LastIndex: 1, StableSince: time.Unix(0, 0).UTC(),
		}},
	})
}

func (s *Server) peers(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, []string{s.cfg.Advertise})
}

func (s *Server) regions(w http.ResponseWriter, _ *http.Request) {
	s.reply(w, []string{s.cfg.Region})
}

func (s *Server) schedulerConfig(*state.View, *http.Request) (any, uint64, error) {
	return nomadapi.SchedulerConfigurationResponse{
		SchedulerConfig: &nomadapi.SchedulerConfiguration{
			SchedulerAlgorithm: nomadapi.SchedulerAlgorithmBinpack, MemoryOversubscriptionEnabled: true, CreateIndex: 1, ModifyIndex: 1,
			PreemptionConfig: nomadapi.PreemptionConfig{SystemSchedulerEnabled: true},
		},
		QueryMeta: nomadapi.QueryMeta{LastIndex: 1, KnownLeader: true},
	}, 1, nil
}
