package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// tokenPeriod is how long a task's token lives after each renewal by Nomad, which comes at half of it: a
// Vault that is away for twelve hours costs no running app its token. There is no longest life, and that is
// on purpose: with a token all credentials end that were had by it. It is no shorter than paas.LeaseTTL, as
// a lease ends with its token, and no longer: what Nomad never revokes, the token of a task that has ended,
// keeps the task's database users alive until then.
const tokenPeriod = "24h"

// AppRole is the role that the jobs of an app log in with: what a job's vault block names.
func AppRole(ref paas.AppRef) string { return accessName(ref) }

// PutAppRole makes or changes the role of an app, for exactly the jobs named: ids of the app's own jobs.
// What a job no longer named has logged in with lives on until its task ends. Codes: invalid,
// unavailable, forbidden.
func (c *Client) PutAppRole(ctx context.Context, ref paas.AppRef, jobs []string) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return paas.Errorf(paas.Invalid, "App %s has no job that could log in to Vault. Name its jobs, or delete its role.", ref)
	}
	for _, job := range jobs {
		if !ownJob(ref, job) {
			return paas.Errorf(paas.Invalid, "Job %q is none of app %s, whose jobs are named %s.NAME, without a star. It gets no role in Vault.", job, ref, ref.App)
		}
	}
	jobs = slices.Compact(slices.Sorted(slices.Values(jobs)))
	_, err := c.write(ctx, c.roleCall("write", ref), map[string]any{
		"role_type":       "jwt",
		"bound_audiences": []string{c.cfg.Audience},
		// Exact texts: a glob lets strangers in whose names begin alike.
		"bound_claims_type": "string",
		"bound_claims":      map[string]any{"nomad_namespace": []string{ref.Team}, "nomad_job_id": jobs},
		// REGION:NAMESPACE:JOB:GROUP:TASK:IDENTITY, in every identity of Nomad's without a setting. The job's id
		// alone would make one entity of two teams' jobs of the same name.
		"user_claim":              "sub",
		"token_type":              "service",
		"token_policies":          []string{accessName(ref)},
		"token_no_default_policy": true,
		"token_period":            tokenPeriod,
	})
	return err
}

// ownJob says whether a job's id is one that an app's jobs have.
func ownJob(ref paas.AppRef, job string) bool {
	rest, ok := strings.CutPrefix(job, ref.App+".")
	return ok && rest != "" && !strings.ContainsFunc(rest, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// DeleteAppRole ends that the app's jobs can log in; none is as well. Delete the app's policy before it:
// that takes all rights from tokens which live on.
func (c *Client) DeleteAppRole(ctx context.Context, ref paas.AppRef) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	return c.remove(ctx, c.roleCall("delete", ref))
}

func (c *Client) roleCall(verb string, ref paas.AppRef) call {
	return call{
		does: fmt.Sprintf("%s vault role of %s", verb, ref), path: "auth/" + c.cfg.JWT + "/role/" + accessName(ref),
		make: "vault auth enable -path=" + c.cfg.JWT + " jwt",
	}
}

// PutAppPolicy makes or renews the policy of an app: policies/vault/app.hcl with its names.
func (c *Client) PutAppPolicy(ctx context.Context, ref paas.AppRef) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	text := policies.App(policies.Mounts{KV: c.cfg.Mount, Database: c.cfg.Database}, ref)
	_, err := c.write(ctx, policyCall("write", ref), map[string]any{"policy": text})
	return err
}

// DeleteAppPolicy takes from the app's tokens all that they may do, at once; none is as well.
func (c *Client) DeleteAppPolicy(ctx context.Context, ref paas.AppRef) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	return c.remove(ctx, policyCall("delete", ref))
}

func policyCall(verb string, ref paas.AppRef) call {
	return call{does: fmt.Sprintf("%s vault policy of %s", verb, ref), path: "sys/policies/acl/" + accessName(ref)}
}
