package nomad

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

func (s *Server) listNodes(v *state.View, r *http.Request) (any, uint64, error) {
	out := []*nomadapi.NodeListStub{}
	for _, n := range v.Nodes() {
		if !strings.HasPrefix(n.ID, r.URL.Query().Get("prefix")) {
			continue
		}
		stub := &nomadapi.NodeListStub{
			Address: n.Attributes["unique.network.ip-address"], ID: n.ID, Datacenter: n.Datacenter, Name: n.Name, NodePool: n.NodePool,
			Version: version, Drain: n.Drain, SchedulingEligibility: n.SchedulingEligibility, Status: n.Status,
			Drivers: n.Drivers, LastDrain: n.LastDrain, CreateIndex: n.CreateIndex, ModifyIndex: n.ModifyIndex,
		}
		if boolParam(r, "resources") {
			stub.NodeResources, stub.ReservedResources = n.NodeResources, n.ReservedResources
		}
		if boolParam(r, "os") {
			stub.Attributes = map[string]string{"os.name": n.Attributes["os.name"]}
		}
		out = append(out, stub)
	}
	return out, v.Last(state.Nodes), nil
}

func findNode(v *state.View, id string) (*nomadapi.Node, error) {
	if len(id) != 36 {
		return nil, fail(http.StatusInternalServerError, "node lookup failed: index error: UUID must be 36 characters")
	}
	n := v.Node(id)
	if n == nil {
		return nil, notFound("node")
	}
	return n, nil
}

func (s *Server) getNode(v *state.View, r *http.Request) (any, uint64, error) {
	n, err := findNode(v, r.PathValue("id"))
	if err != nil {
		return nil, v.Last(state.Nodes), err
	}
	return n, n.ModifyIndex, nil
}

func (s *Server) nodeAllocs(v *state.View, r *http.Request) (any, uint64, error) {
	out := []*nomadapi.Allocation{}
	for _, a := range v.Allocs("*") {
		if a.NodeID == r.PathValue("id") {
			out = append(out, &a.Allocation)
		}
	}
	return out, v.Last(state.Allocs), nil
}

type nodeUpdated struct {
	NodeModifyIndex uint64
	EvalIDs         []string
	EvalCreateIndex uint64
	Index           uint64
}

func (s *Server) setEligibility(r *http.Request) (any, uint64, error) {
	var in nomadapi.NodeUpdateEligibilityRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	if in.Eligibility != nomadapi.NodeSchedulingEligible && in.Eligibility != nomadapi.NodeSchedulingIneligible {
		return nil, 0, fail(http.StatusInternalServerError, "invalid scheduling eligibility %q", in.Eligibility)
	}
	index, err := s.update("NodeEligibility", func(tx *state.Tx) error {
		n, err := findNode(&tx.View, r.PathValue("id"))
		if err != nil {
			return err
		}
		if n.DrainStrategy != nil && in.Eligibility == nomadapi.NodeSchedulingEligible {
			return fail(http.StatusInternalServerError, "can not set node's scheduling eligibility to eligible while it is draining")
		}
		if n.SchedulingEligibility == in.Eligibility {
			return nil
		}
		n = withNodeEvent(n, tx.Index(), "Cluster", fmt.Sprintf("Node marked as %s for scheduling", in.Eligibility))
		n.SchedulingEligibility = in.Eligibility
		tx.PutNode(n)
		if in.Eligibility == nomadapi.NodeSchedulingEligible {
			unblock(tx)
		}
		return nil
	})
	return nodeUpdated{Index: index}, index, err
}

// drainNode begins a drain, or ends it without a DrainSpec.
func (s *Server) drainNode(r *http.Request) (any, uint64, error) {
	var in nomadapi.NodeUpdateDrainRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	index, err := s.update("NodeDrain", func(tx *state.Tx) error {
		n, err := findNode(&tx.View, r.PathValue("id"))
		if err != nil {
			return err
		}
		now := time.Now()
		if in.DrainSpec == nil {
			n = withNodeEvent(n, tx.Index(), "Drain", "Node drain disabled")
			if n.DrainStrategy != nil && n.LastDrain != nil {
				last := *n.LastDrain
				last.Status, last.UpdatedAt = nomadapi.DrainStatusCanceled, now
				n.LastDrain = &last
			}
			n.Drain, n.DrainStrategy = false, nil
			if in.MarkEligible {
				n.SchedulingEligibility = nomadapi.NodeSchedulingEligible
				unblock(tx)
			}
			tx.PutNode(n)
			return nil
		}
		n = withNodeEvent(n, tx.Index(), "Drain", "Node drain strategy set")
		n.Drain, n.SchedulingEligibility = true, nomadapi.NodeSchedulingIneligible
		n.DrainStrategy = &nomadapi.DrainStrategy{DrainSpec: *in.DrainSpec, StartedAt: now}
		if in.DrainSpec.Deadline > 0 {
			n.DrainStrategy.ForceDeadline = now.Add(in.DrainSpec.Deadline)
		}
		n.LastDrain = &nomadapi.DrainMetadata{StartedAt: now, UpdatedAt: now, Status: nomadapi.DrainStatusDraining, Meta: in.Meta}
		tx.PutNode(n)
		return nil
	})
	return nodeUpdated{Index: index, NodeModifyIndex: index}, index, err
}
