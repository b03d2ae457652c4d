package install

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/jobs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Ids of the platform's jobs, which are the names of their tasks as well.
const (
	fabioJob   = paas.RouterJobID
	crumpetJob = "crumpet"
)

// registered is what is asked of a job that Nomad has.
type registered struct {
	Stop           bool
	Version        int
	JobModifyIndex uint64
	Meta           map[string]string
}

// job gives a job of the platform. Code not_found: Nomad does not have it, or it is stopped.
func (i *Install) job(ctx context.Context, id string) (registered, error) {
	var job registered
	err := i.cfg.Nomad(ctx, "GET", "/v1/job/"+id+"?namespace="+namespace, nil, &job)
	if err == nil && job.Stop {
		err = paas.Errorf(paas.NotFound, "The job %s is stopped.", id)
	}
	return job, err
}

// fabioIsOurs says that routers are to be a job: none was there before.
func (i *Install) fabioIsOurs() bool { return len(i.there.Fabio) == 0 }

func (i *Install) jobObjects() []object {
	var list []object
	if i.fabioIsOurs() {
		list = append(list, i.jobObject(fabioJob, jobs.Fabio, i.wish.Fabio, i.fabioVariables()))
	}
	return append(list, i.jobObject(crumpetJob, jobs.Crumpet, i.wish.Crumpet, i.crumpetVariables()))
}

func (i *Install) jobObject(id, text string, p Program, variables map[string]any) object {
	return object{
		"nomad", "job", id,
		func(ctx context.Context) (string, error) {
			have, err := i.job(ctx, id)
			if paas.CodeOf(err) == paas.NotFound {
				return missing, nil
			}
			if err != nil {
				return "", err
			}
			job, err := i.parse(ctx, text, variables)
			if err != nil {
				return "", err
			}
			plan, err := i.planJob(ctx, id, job)
			switch {
			case err != nil:
				return "", err
			case plan.Diff.Type == "None":
				return i.givenUp(ctx, id, have.Version)
			case have.Meta["version"] != p.Version:
				return fmt.Sprintf("runs %s, not %s", have.Meta["version"], p.Version), nil
			}
			return "other settings: " + plan.changed(), nil
		},
		func(ctx context.Context) error { return i.runJob(ctx, id, text, variables) },
	}
}

// givenUp says that Nomad tries no more: on a node of a system job, whose instances it does not start anew once they have
// failed; or at all, as the deployment has failed, which ends the rescheduling of what failed in it, and nothing runs.
func (i *Install) givenUp(ctx context.Context, id string, version int) (string, error) {
	allocs, err := i.allocs(ctx, id)
	if err != nil {
		return "", err
	}
	if nodes := abandoned(id, allocs); len(nodes) > 0 {
		return "has failed and was given up on " + strings.Join(nodes, ", "), nil
	}
	var d deployment
	err = i.cfg.Nomad(ctx, "GET", "/v1/job/"+id+"/deployment?namespace="+namespace, nil, &d)
	if err != nil || d.Status != "failed" || d.JobVersion != version || slices.ContainsFunc(allocs, alloc.alive) {
		return "", err
	}
	return "has failed, and nothing of it runs", nil
}

func (i *Install) allocs(ctx context.Context, id string) (list []alloc, err error) {
	err = i.cfg.Nomad(ctx, "GET", "/v1/job/"+id+"/allocations?namespace="+namespace, nil, &list)
	return list, err
}

// abandoned are the nodes on which a system job was given up.
func abandoned(id string, allocs []alloc) (nodes []string) {
	if id != fabioJob {
		return nil
	}
	var all []paas.SystemInstance
	for _, a := range allocs {
		all = append(all, paas.SystemInstance{Node: a.NodeName, Client: a.ClientStatus, Desired: a.DesiredStatus})
	}
	for _, i := range paas.GivenUp(all) {
		nodes = append(nodes, i.Node)
	}
	return nodes
}

// parse has Nomad read a job: nobody else knows its language as well.
func (i *Install) parse(ctx context.Context, text string, variables map[string]any) (json.RawMessage, error) {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value, err := json.Marshal(variables[name])
		if err != nil {
			return nil, err
		}
		// A value is a literal: nothing in it is an expression.
		fmt.Fprintf(&lines, "%s = %s\n", name, strings.NewReplacer("${", "$${", "%{", "%%{", `\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(value)))
	}
	var job json.RawMessage
	err := i.cfg.Nomad(ctx, "POST", "/v1/jobs/parse", map[string]any{"JobHCL": text, "Variables": lines.String(), "Canonicalize": true}, &job)
	return job, err
}

type difference struct {
	Type, Name string
	Fields     []struct{ Type, Name string }
	Objects    []difference
}

type planned struct {
	Diff struct {
		difference
		TaskGroups []struct {
			difference
			Tasks []difference
		}
	}
	JobModifyIndex uint64
	FailedTGAllocs map[string]placement
	Warnings       string
}

// changed names what a plan would change, in Nomad's words.
func (p planned) changed() string {
	names := map[string]bool{}
	p.Diff.add(names)
	for _, g := range p.Diff.TaskGroups {
		g.add(names)
		for _, t := range g.Tasks {
			t.add(names)
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

func (d difference) add(names map[string]bool) {
	for _, f := range d.Fields {
		if f.Type != "None" {
			names[f.Name] = true
		}
	}
	for _, o := range d.Objects {
		if o.Type != "None" {
			names[o.Name] = true
		}
	}
}

func (i *Install) planJob(ctx context.Context, id string, job json.RawMessage) (planned, error) {
	var p planned
	err := i.cfg.Nomad(ctx, "POST", "/v1/job/"+id+"/plan?namespace="+namespace, map[string]any{"Job": job, "Diff": true}, &p)
	return p, err
}

// lookAgain has Nomad look where a job is to run.
func (i *Install) lookAgain(ctx context.Context, id string) error {
	var answer struct{ EvalID string }
	if err := i.cfg.Nomad(ctx, "POST", "/v1/job/"+id+"/evaluate?namespace="+namespace, map[string]any{"JobID": id, "Namespace": namespace}, &answer); err != nil {
		return err
	}
	return i.await(ctx, id, answer.EvalID)
}

// runJob registers a job and waits until it serves. Nothing is registered that has no room.
func (i *Install) runJob(ctx context.Context, id, text string, variables map[string]any) error {
	job, err := i.parse(ctx, text, variables)
	if err != nil {
		return err
	}
	plan, err := i.planJob(ctx, id, job)
	if err == nil && plan.Diff.Type == "None" {
		allocs, err := i.allocs(ctx, id)
		if err != nil {
			return err
		}
		if len(abandoned(id, allocs)) > 0 {
			return i.lookAgain(ctx, id)
		}
	}
	if err == nil && plan.Diff.Type == "None" { // given up: Nomad begins anew only with what it takes for another version
		if err = i.cfg.Nomad(ctx, "DELETE", "/v1/job/"+id+"?namespace="+namespace, nil, nil); err == nil {
			plan, err = i.planJob(ctx, id, job)
		}
	}
	if err != nil {
		return err
	}
	if why := placementText(plan.FailedTGAllocs); why != "" {
		return paas.Errorf(paas.Unavailable, "Nomad has no room for the job %s: %s. Nothing was registered.", id, why)
	}
	var answer struct {
		EvalID         string
		JobModifyIndex uint64
	}
	if err := i.cfg.Nomad(ctx, "POST", "/v1/jobs?namespace="+namespace, map[string]any{"Job": job, "EnforceIndex": true, "JobModifyIndex": plan.JobModifyIndex}, &answer); err != nil && !strings.Contains(err.Error(), "job modify index") {
		return err
	}
	// It was registered in between, as by a run that was cut off with its request under way: whether it is as wished is
	// looked at again when it serves.
	return i.await(ctx, id, answer.EvalID)
}

func (i *Install) fabioVariables() map[string]any {
	v := i.common("fabio", i.wish.Fabio)
	v["router_address"], v["admin_port"] = i.wish.Listen, i.wish.AdminPort
	v["consul_address"] = strings.TrimPrefix(i.wish.ConsulURL, "http://")
	return v
}

func (i *Install) crumpetVariables() map[string]any {
	w := i.wish
	v := i.common("crumpet", w.Crumpet)
	v["count"], v["host"], v["domain"], v["url"] = w.Count, w.Host, w.Domain, w.URL
	v["trusted_proxies"], v["drivers"] = w.Proxies, w.drivers()
	v["nomad_address"], v["consul_address"], v["vault_address"] = w.NomadURL, w.ConsulURL, w.VaultURL
	v["nomad_acl"], v["nomad_tls"] = i.there.Nomad.ACL, w.NomadTLS
	v["vault_tls"] = w.VaultTLS
	v["toolchain"], v["goproxy"], v["memory"] = w.Toolchain, w.GoProxy, w.Memory
	if i.cfg.Schema > 0 {
		v["schema"] = strconv.FormatInt(i.cfg.Schema, 10)
	}
	return v
}

// common are the variables that both jobs have.
func (i *Install) common(name string, p Program) map[string]any {
	command, volume := i.wish.command(name, p)
	v := map[string]any{
		"version": p.Version, "source": p.Source, "checksum": p.Checksum, "command": command, "volume": volume,
		"driver": i.wish.Driver, "datacenters": i.wish.Datacenters, "node_pool": i.wish.Pool, "router_port": i.wish.RouterPort,
		"consul_acl": i.there.Consul.ACL, "namespace": namespace, "vault_audience": audience,
	}
	if i.wish.Driver == "raw_exec" { // nothing but root reads what root's tasks are given
		v["user"], v["uid"] = "root", 0
	}
	return v
}
