package nomad

import (
	"context"
	"fmt"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Job gives the job as Nomad holds it, or nil if there is none.
func (c *Client) Job(ctx context.Context, team, id string) (*nomadapi.Job, error) {
	q, cancel := c.query(ctx, team)
	defer cancel()
	job, _, err := c.api.Jobs().Info(id, q)
	if err == nil {
		return job, nil
	}
	err = c.fail(ctx, err, fmt.Sprintf("read job %q", id))
	if paas.CodeOf(err) == paas.NotFound {
		return nil, nil
	}
	return nil, err
}

// Plan asks what a register of the job would do, and at which index.
func (c *Client) Plan(ctx context.Context, team string, job *nomadapi.Job) (*nomadapi.JobPlanResponse, error) {
	w, cancel := c.write(ctx, team)
	defer cancel()
	plan, _, err := c.api.Jobs().Plan(job, true, w)
	if err != nil {
		return nil, c.fail(ctx, err, fmt.Sprintf("plan job %q", name(job)))
	}
	return plan, nil
}

// Register puts the job if its modify index is still index; 0 demands that there is no such job.
// The code is conflict if it moved.
func (c *Client) Register(ctx context.Context, team string, job *nomadapi.Job, index uint64) (*nomadapi.JobRegisterResponse, error) {
	w, cancel := c.write(ctx, team)
	defer cancel()
	resp, _, err := c.api.Jobs().EnforceRegister(job, index, w)
	if err != nil {
		return nil, c.fail(ctx, err, fmt.Sprintf("register job %q", name(job)))
	}
	return resp, nil
}

// Deregister stops the job, and with purge takes it out of Nomad's memory as well. A job that Nomad
// doesn't know is no error.
func (c *Client) Deregister(ctx context.Context, team, id string, purge bool) error {
	w, cancel := c.write(ctx, team)
	defer cancel()
	_, _, err := c.api.Jobs().Deregister(id, purge, w)
	if err == nil {
		return nil
	}
	err = c.fail(ctx, err, fmt.Sprintf("deregister job %q", id))
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	return err
}

// Evaluate has Nomad compare the job with what runs of it once more. It changes nothing that is as it should be. A job
// that Nomad doesn't know is no error.
func (c *Client) Evaluate(ctx context.Context, team, id string) error {
	w, cancel := c.write(ctx, team)
	defer cancel()
	_, _, err := c.api.Jobs().ForceEvaluate(id, w)
	if err == nil {
		return nil
	}
	err = c.fail(ctx, err, fmt.Sprintf("evaluate job %q", id))
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	return err
}

// EnsureNamespace makes the namespace of a team unless it exists.
func (c *Client) EnsureNamespace(ctx context.Context, team string) error {
	if team == nomadapi.DefaultNamespace {
		return nil
	}
	q, cancel := c.query(ctx, "")
	defer cancel()
	_, _, err := c.api.Namespaces().Info(team, q)
	if err == nil {
		return nil
	}
	err = c.fail(ctx, err, fmt.Sprintf("read namespace %q", team))
	if paas.CodeOf(err) != paas.NotFound {
		return err
	}
	w, done := c.write(ctx, "")
	defer done()
	ns := &nomadapi.Namespace{Name: team, Description: "Team of Crumpet"}
	if _, err := c.api.Namespaces().Register(ns, w); err != nil {
		err = c.fail(ctx, err, fmt.Sprintf("make namespace %q", team))
		if paas.CodeOf(err) == paas.Forbidden { // Nomad has no capability for it
			err = paas.Wrap(paas.Forbidden, err, "Only a management token of Nomad may make the namespace %[1]q, and Crumpet's is none: run `nomad namespace apply %[1]s` with one, then try again.", team)
		}
		return err
	}
	return nil
}

func name(job *nomadapi.Job) string {
	if job == nil || job.ID == nil {
		return ""
	}
	return *job.ID
}
