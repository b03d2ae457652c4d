package nomad

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// RouterJob gives the job of the platform's routers, or nil where there is none or it is stopped. Codes: forbidden,
// unavailable.
func (c *Client) RouterJob(ctx context.Context) (*paas.RouterJob, error) {
	job, err := c.Job(ctx, paas.PlatformNamespace, paas.RouterJobID)
	if err != nil || job == nil || valueOf(job.Stop) || valueOf(job.Type) != nomadapi.JobTypeSystem {
		return nil, err
	}
	q, cancel := c.query(ctx, paas.PlatformNamespace)
	defer cancel()
	allocs, _, err := c.api.Jobs().Allocations(paas.RouterJobID, false, q)
	if err != nil {
		return nil, c.fail(ctx, err, "list the routers' allocations")
	}
	q, done := c.query(ctx, "")
	defer done()
	nodes, _, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list nodes")
	}
	is := &paas.RouterJob{Version: valueOf(job.Version)}
	for _, n := range nodes {
		if takes(n, job) {
			is.Nodes = append(is.Nodes, paas.Node{ID: n.ID, Name: n.Name})
		}
	}
	for _, a := range allocs {
		is.Instances = append(is.Instances, paas.SystemInstance{
			ID: a.ID, NodeID: a.NodeID, Node: a.NodeName, Client: a.ClientStatus, Desired: a.DesiredStatus, Version: a.JobVersion,
			CreatedAt: time.Unix(0, a.CreateTime), Said: saidLast(a),
		})
	}
	return is, nil
}

// takes says whether Nomad may place a system job on a node now, as far as it is told before constraints are looked at.
func takes(n *nomadapi.NodeListStub, job *nomadapi.Job) bool {
	pool := valueOf(job.NodePool)
	return n.Status == nomadapi.NodeStatusReady && n.SchedulingEligibility == nomadapi.NodeSchedulingEligible && !n.Drain &&
		(pool == "" || pool == nomadapi.NodePoolAll || pool == n.NodePool) &&
		slices.ContainsFunc(job.Datacenters, func(dc string) bool {
			fits, _ := path.Match(dc, n.Datacenter) // a star is all that Nomad allows in it
			return fits
		})
}

// valueOf is what a field that may be left out is, or its zero.
func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// saidLast is what happened to the tasks of an allocation that tells most of how they ended.
func saidLast(a *nomadapi.AllocationListStub) string {
	for _, task := range a.TaskStates {
		for _, e := range slices.Backward(task.Events) {
			if paas.TellsWhy(e.Type) && e.DisplayMessage != "" {
				return strings.TrimSuffix(e.DisplayMessage, ".")
			}
		}
	}
	return strings.TrimSuffix(cmp.Or(a.ClientDescription, a.DesiredDescription), ".")
}

// EvaluateNode has Nomad compare what runs on a node with what is to run there once more, as when the node changes. What is
// as it should be stays. It is asked of the node, not of a job: that needs the right to write nodes only, whereas who may
// have a job evaluated needs, from Nomad 2.1 on, the right to submit jobs of that namespace or a word that an older Nomad
// does not know.
func (c *Client) EvaluateNode(ctx context.Context, node string) error {
	w, cancel := c.write(ctx, "")
	defer cancel()
	if _, _, err := c.api.Nodes().ForceEvaluate(node, w); err != nil {
		return c.fail(ctx, err, "evaluate node "+node)
	}
	return nil
}
