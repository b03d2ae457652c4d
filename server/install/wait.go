package install

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	jobLimit = 15 * time.Minute // for all servers of a job, one by one
	lookAt   = time.Second
	tellWait = 15 * time.Second // say what is waited for, each time it has changed and at most so often
)

// placement is why Nomad places nothing.
type placement struct {
	NodesEvaluated     int
	NodesAvailable     map[string]int
	ConstraintFiltered map[string]int
	DimensionExhausted map[string]int
}

// placementText says of a job's groups why they have no room, "" where all have.
func placementText(failed map[string]placement) string {
	var parts []string
	for _, group := range slices.Sorted(maps.Keys(failed)) {
		p := failed[group]
		var why []string
		for _, what := range slices.Sorted(maps.Keys(p.ConstraintFiltered)) {
			why = append(why, fmt.Sprintf("%s lack %q", nodes(p.ConstraintFiltered[what]), what))
		}
		for _, what := range slices.Sorted(maps.Keys(p.DimensionExhausted)) {
			why = append(why, fmt.Sprintf("%s have no %s left", nodes(p.DimensionExhausted[what]), what))
		}
		parts = append(parts, fmt.Sprintf("of %s %s", nodes(p.NodesEvaluated), cmp.Or(strings.Join(why, ", "), "none is in its datacenters and pool")))
	}
	return strings.Join(parts, "; ")
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// alloc is one instance of a job.
type alloc struct {
	ID, Name, NodeName, ClientStatus, DesiredStatus string
	JobVersion                                      int
	CreateTime                                      int64
	TaskStates                                      map[string]taskState
}

// alive says whether it runs, or is on its way to.
func (a alloc) alive() bool { return a.ClientStatus == "running" || a.ClientStatus == "pending" }

// livesOn says whether any of a system job's instances is alive on a node.
func livesOn(node string, allocs []alloc) bool {
	return slices.ContainsFunc(allocs, func(a alloc) bool { return a.NodeName == node && a.alive() })
}

type taskState struct {
	State    string
	Failed   bool
	Restarts int
	Events   []struct{ Type, DisplayMessage string }
}

type deployment struct {
	ID, Status, StatusDescription string
	JobVersion                    int
}

// await follows what becomes of a registered job until it serves, or can't.
func (i *Install) await(ctx context.Context, id, eval string) error {
	ctx, cancel := context.WithTimeout(ctx, jobLimit)
	defer cancel()
	var version int
	if err := i.evaluated(ctx, id, eval); err != nil {
		return err
	}
	job, err := i.job(ctx, id)
	if err != nil {
		return err
	}
	version = job.Version
	told, at := "", i.cfg.Now()
	for {
		done, reason, err := i.look(ctx, id, version)
		if err != nil && paas.CodeOf(err) != paas.Unavailable { // of a server that is away another is asked
			return err
		}
		if done {
			return nil
		}
		if reason != told && i.cfg.Now().Sub(at) > tellWait {
			i.cfg.Say("%s waits: %s", id, reason)
			told, at = reason, i.cfg.Now()
		}
		if !pause(ctx, lookAt) {
			return paas.Errorf(paas.Unavailable, "The job %s does not serve within %s: %s.", id, jobLimit, cmp.Or(reason, "nothing is known of it"))
		}
	}
}

// evaluated waits until Nomad has decided where the job's instances are to be.
func (i *Install) evaluated(ctx context.Context, id, eval string) error {
	for eval != "" {
		var e struct {
			Status, StatusDescription string
			FailedTGAllocs            map[string]placement
		}
		if err := i.cfg.Nomad(ctx, "GET", "/v1/evaluation/"+eval+"?namespace="+namespace, nil, &e); err != nil {
			return err
		}
		switch e.Status {
		case "complete":
			if why := placementText(e.FailedTGAllocs); why != "" {
				return paas.Errorf(paas.Unavailable, "Nomad has no room for the job %s: %s.", id, why)
			}
			return nil
		case "failed", "canceled":
			return paas.Errorf(paas.Unavailable, "Nomad's evaluation of the job %s has %s: %s.", id, e.Status, e.StatusDescription)
		}
		if !pause(ctx, lookAt/4) {
			return paas.Errorf(paas.Unavailable, "Nomad does not come to evaluate the job %s: its evaluation is %s.", id, e.Status)
		}
	}
	return nil
}

// look says whether a version of a job serves; if not, what it waits for. An error is final, but for code unavailable.
func (i *Install) look(ctx context.Context, id string, version int) (done bool, reason string, err error) {
	allocs, err := i.allocs(ctx, id)
	if err != nil {
		return false, "", err
	}
	var d deployment
	if err := i.cfg.Nomad(ctx, "GET", "/v1/job/"+id+"/deployment?namespace="+namespace, nil, &d); err != nil {
		return false, "", err
	}
	mine := slices.DeleteFunc(slices.Clone(allocs), func(a alloc) bool {
		replaced := id == fabioJob && a.ClientStatus == "failed" && livesOn(a.NodeName, allocs)
		return a.JobVersion != version || replaced || a.DesiredStatus != "run" && a.ClientStatus != "failed"
	})
	slices.SortFunc(mine, func(a, b alloc) int { return cmp.Compare(b.CreateTime, a.CreateTime) })
	ill, reason := i.why(ctx, id, mine)
	if d.ID == "" || d.JobVersion < version { // one of a system job before Nomad 1.11, or not made yet
		passing, err := i.instances(ctx, fabioJob)
		return err == nil && id == fabioJob && len(mine) > 0 && ill == nil && reason == "" && len(passing) >= len(mine), reason, err
	}
	switch d.Status {
	case "successful":
		return true, "", nil
	case "failed", "cancelled":
		return false, "", i.failed(id, d.StatusDescription, reason)
	}
	if ill == nil {
		return false, cmp.Or(reason, d.StatusDescription), nil
	}
	// It will not get better: Nomad need not wait for its deadlines. What was there before stays, or comes back.
	i.cfg.Say("%s can't start: %s", id, reason)
	if err := i.cfg.Nomad(ctx, "POST", "/v1/deployment/fail/"+d.ID+"?namespace="+namespace, map[string]string{"DeploymentID": d.ID}, nil); err != nil {
		i.cfg.Log.Warn("deployment not failed", "job", id, "err", err)
	}
	return false, "", i.failed(id, "", reason)
}

func (i *Install) failed(id, said, reason string) error {
	what := cmp.Or(reason, said)
	if i.there.Runs != "" && id == crumpetJob {
		return &paas.Error{Code: paas.Conflict, Message: fmt.Sprintf("Crumpet %s does not start: %s. Version %s serves on, its servers were not touched.", i.wish.Crumpet.Version, what, i.there.Runs)}
	}
	return &paas.Error{Code: paas.Conflict, Message: fmt.Sprintf("The job %s does not start: %s. Put it right and install again.", id, what)}
}

// restartsEnough is how often a task begins anew before it is given up: the first start may have met a database that was
// being started.
const restartsEnough = 2

// why says what the instances of a job wait for, the newest first, and names one that will not start.
func (i *Install) why(ctx context.Context, id string, allocs []alloc) (ill *alloc, reason string) {
	for n := range allocs {
		a := &allocs[n]
		task := a.TaskStates[id]
		if a.ClientStatus == "running" && task.State == "running" && task.Restarts < restartsEnough {
			continue
		}
		said := "is " + a.ClientStatus
		for _, e := range slices.Backward(task.Events) {
			if paas.TellsWhy(e.Type) {
				said = strings.TrimSuffix(e.DisplayMessage, ".")
				break
			}
		}
		if last := i.lastWords(ctx, a.ID, id); last != "" && (task.Failed || task.Restarts > 0) {
			said += "; it said: " + last
		}
		reason = fmt.Sprintf("%s on %s: %s", a.Name, a.NodeName, said)
		if task.Failed || task.Restarts >= restartsEnough || a.ClientStatus == "failed" {
			return a, reason
		}
	}
	return nil, reason
}

// lastWords is the last line that a task wrote to stderr.
func (i *Install) lastWords(ctx context.Context, alloc, task string) string {
	var text []byte
	err := i.cfg.Nomad(ctx, "GET", "/v1/client/fs/logs/"+alloc+"?namespace="+namespace+"&task="+task+"&type=stderr&origin=end&offset=4000&plain=true", nil, &text)
	if err != nil {
		return "" // a task that never began has written nothing
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSuffix(strings.TrimPrefix(lines[len(lines)-1], "Error: "), ".")
}

// pause waits, and says whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
