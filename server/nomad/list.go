package nomad

import (
	"context"
	"slices"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Allocations gives all allocations of apps in all teams, with task states and resources, once
// something among Nomad's allocations has changed since index, or after wait. next is the index for
// the following call; 0 asks for the list as it is now.
func (c *Client) Allocations(ctx context.Context, index uint64, wait time.Duration) (list []*nomadapi.AllocationListStub, next uint64, err error) {
	q, cancel := c.blocking(ctx, index, wait)
	defer cancel()
	q.Params = map[string]string{"task_states": "true", "resources": "true"}
	list, meta, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, "list allocations")
	}
	list = slices.DeleteFunc(list, func(a *nomadapi.AllocationListStub) bool {
		_, ofApp := typeOf(a.JobID)
		return !ofApp
	})
	return list, nextIndex(meta), nil
}

// Evaluations gives all evaluations of the jobs of apps in all teams; index and next are as for
// Allocations.
func (c *Client) Evaluations(ctx context.Context, index uint64, wait time.Duration) (list []*nomadapi.Evaluation, next uint64, err error) {
	q, cancel := c.blocking(ctx, index, wait)
	defer cancel()
	list, meta, err := c.api.Evaluations().List(q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, "list evaluations")
	}
	list = slices.DeleteFunc(list, func(e *nomadapi.Evaluation) bool {
		kind, ofApp := typeOf(e.JobID)
		return !ofApp || e.Type != kind
	})
	return list, nextIndex(meta), nil
}

// typeOf gives the type that a job of an app has, by its id.
func typeOf(job string) (kind string, ofApp bool) {
	if _, _, ok := paas.ParseJobID(job); ok {
		return nomadapi.JobTypeService, true
	}
	_, ok := paas.ParseSideJob(job)
	return nomadapi.JobTypeBatch, ok
}

// Nodes gives all nodes; index and next are as for Allocations.
func (c *Client) Nodes(ctx context.Context, index uint64, wait time.Duration) (list []*nomadapi.NodeListStub, next uint64, err error) {
	q, cancel := c.blocking(ctx, index, wait)
	defer cancel()
	list, meta, err := c.api.Nodes().List(q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, "list nodes")
	}
	return list, nextIndex(meta), nil
}

// blocking gives the options of a blocking query over all namespaces. Nomad adds up to a sixteenth
// to the wait, so the deadline does too.
func (c *Client) blocking(ctx context.Context, index uint64, wait time.Duration) (*nomadapi.QueryOptions, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, wait+wait/16+c.timeout)
	q := &nomadapi.QueryOptions{Namespace: nomadapi.AllNamespacesNamespace, WaitIndex: index, WaitTime: wait}
	return q.WithContext(ctx), cancel
}

// nextIndex is never 0, which would not wait.
func nextIndex(meta *nomadapi.QueryMeta) uint64 { return max(meta.LastIndex, 1) }

// Jobs gives the jobs of apps in all teams; children of periodic jobs are left out.
func (c *Client) Jobs(ctx context.Context) ([]*nomadapi.Job, error) {
	q, cancel := c.query(ctx, nomadapi.AllNamespacesNamespace)
	defer cancel()
	stubs, _, err := c.api.Jobs().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list jobs")
	}
	var jobs []*nomadapi.Job
	for _, stub := range stubs {
		if _, ofApp := typeOf(stub.ID); !ofApp || stub.ParentID != "" {
			continue
		}
		job, err := c.Job(ctx, stub.Namespace, stub.ID)
		if err != nil {
			return nil, err
		}
		if job != nil { // gone meanwhile
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}
