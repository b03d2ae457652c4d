package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Standing is what stands on a cluster, as far as it is Crumpet's.
type Standing struct {
	Jobs     []*nomadapi.Job // by id ours, children of crons left out
	Keys     []paas.RuleKey
	Services []paas.Registered
	Placed   map[string]bool // ids of allocations that Nomad knows
	Tables   []paas.RouterTable
	Volumes  []paas.FoundVolume
	Kept     bool   // Volumes were read
	Unread   string // why the tables could not be read, a sentence; "" if they could
}

// Drift holds what stands against the wishes for all apps and names every difference that Crumpet did
// not make. A job that Crumpet wrote last is as Crumpet wishes it for now, whatever its count: the
// converger takes it on. With of, only what concerns that app is named, and what concerns all of them.
func Drift(snaps []paas.Snapshot, at Standing, port string, of *paas.AppRef) []paas.Finding {
	d := drifting{at: at, port: port, snaps: map[paas.AppRef]paas.Snapshot{}, jobs: map[string]*nomadapi.Job{}}
	for _, s := range snaps {
		d.snaps[s.App.Ref()] = s
	}
	for _, j := range at.Jobs {
		d.jobs[jobKey(pointed(j.Namespace), pointed(j.ID))] = j
	}
	for _, s := range snaps {
		d.slots(s)
		d.crons(s)
		d.volumes(s)
		d.rule(s)
	}
	d.orphanJobs()
	d.keys()
	d.services()
	d.routers()
	if of != nil {
		d.found = slices.DeleteFunc(d.found, func(f paas.Finding) bool { return f.App != "" && (f.App != of.App || f.Team != of.Team) })
	}
	slices.SortFunc(d.found, func(a, b paas.Finding) int {
		return cmp.Or(cmp.Compare(a.Team, b.Team), cmp.Compare(a.App, b.App), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Thing, b.Thing))
	})
	return d.found
}

type drifting struct {
	at    Standing
	port  string
	snaps map[paas.AppRef]paas.Snapshot
	jobs  map[string]*nomadapi.Job // by namespace and id
	found []paas.Finding
}

func jobKey(team, id string) string { return team + "/" + id }

func (d *drifting) say(f paas.Finding) {
	f.State = paas.FindingFound
	d.found = append(d.found, f)
}

// slots names jobs that are not what was written to Nomad last.
func (d *drifting) slots(s paas.Snapshot) {
	for _, slot := range slices.Sorted(maps.Keys(s.Slots)) {
		row := s.Slots[slot]
		id := paas.JobID(row.App, slot)
		f := paas.Finding{Team: row.Team, App: row.App, Thing: id, Wished: countsText(row.Counts), Heals: true}
		job, stands := d.jobs[jobKey(row.Team, id)]
		switch {
		case row.Index == 0: // never registered: the converger is about to
		case !stands && row.Empty():
		case !stands:
			f.Kind, f.Found, f.Repair = paas.JobMissing, "no such job", "the job is registered again"
			d.say(f)
		case deref(job.JobModifyIndex) == row.Index:
		default:
			f.Kind, f.Found = paas.JobChanged, jobText(job, row)
			f.Repair = "the job is put back, in place where that costs no instance, else by a walk"
			d.say(f)
		}
	}
}

// jobText is what of a job is another than its row says.
func jobText(job *nomadapi.Job, row paas.Slotted) string {
	if pointed(job.Stop) {
		return "stopped"
	}
	now := countsOf(job)
	for process, n := range row.Counts {
		if now[process] != n {
			return countsText(now)
		}
	}
	if stored, err := jobspec.Decode(row.Job); err == nil && !jobspec.SameTags(stored, job) {
		return "other tags"
	}
	return fmt.Sprintf("written by somebody else: index %d, not %d", deref(job.JobModifyIndex), row.Index)
}

func (d *drifting) crons(s paas.Snapshot) {
	for _, id := range slices.Sorted(maps.Keys(s.Sides)) {
		row := s.Sides[id]
		if row.Kind != paas.JobCron || !row.Stands || row.Stop != "" || row.Index == 0 || id != paas.ParentJob(id) {
			continue
		}
		f := paas.Finding{Team: row.Team, App: row.App, Thing: id, Wished: "the cron of release " + fmt.Sprint(row.Release), Heals: true, Repair: "the cron is registered again"}
		job, stands := d.jobs[jobKey(row.Team, id)]
		switch {
		case !stands:
			f.Kind, f.Found = paas.JobMissing, "no such job"
		case pointed(job.Stop):
			f.Kind, f.Found = paas.JobChanged, "stopped"
		case deref(job.JobModifyIndex) != row.Index:
			f.Kind, f.Found = paas.JobChanged, fmt.Sprintf("written by somebody else: index %d, not %d", deref(job.JobModifyIndex), row.Index)
		default:
			continue
		}
		d.say(f)
	}
}

// orphanJobs names jobs that Crumpet made and no row names. A row is written before its job, and goes
// after it, so such a job is left from a store that was lost, or made by hand.
func (d *drifting) orphanJobs() {
	for _, job := range d.at.Jobs {
		team, id := pointed(job.Namespace), pointed(job.ID)
		if pointed(job.Stop) || !made(job) {
			continue
		}
		app, slot, isSlot := paas.ParseJobID(id)
		named := false
		if isSlot {
			_, named = d.snaps[paas.AppRef{Team: team, App: app}].Slots[slot]
		} else if side, ok := paas.ParseSideJob(id); ok {
			app = side.App
			s := d.snaps[paas.AppRef{Team: team, App: app}]
			_, named = s.Sides[id]
			named = named || slices.ContainsFunc(s.Runs, func(r paas.Run) bool { return r.Parent() == id && !r.State.Ended() })
		} else {
			continue
		}
		if !named {
			d.say(paas.Finding{
				Kind: paas.JobOrphan, Team: team, App: app, Thing: id, Wished: "no such job", Found: cmp.Or(countsText(countsOf(job)), pointed(job.Status)),
				Repair: "the job is stopped, and forgotten by Nomad after some hours", Heals: true,
			})
		}
	}
}

// made says that Crumpet rendered the job: an id alone may be anybody's.
func made(job *nomadapi.Job) bool {
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			if _, ok := t.Env["CRUMPET_ARTIFACT"]; ok {
				return true
			}
		}
	}
	return false
}

// rule holds an app's key against the text that the app's walk wishes for.
func (d *drifting) rule(s paas.Snapshot) {
	ref := s.App.Ref()
	key, stands := d.key(ref)
	f := paas.Finding{Team: ref.Team, App: ref.App, Thing: cmp.Or(key.Key, ref.String()), Heals: true}
	want := World(s)
	if want.Fence == "" {
		if stands && readable(key) && !walkedFrom(s) {
			f.Kind, f.Wished, f.Found, f.Repair = paas.RuleOrphan, "no rule: requests follow the instances", ruleText(key.Text), "the key is deleted, once no router hides a slot by it"
			d.say(f)
		}
		return
	}
	text, err := route.Render(ref, want.Fence, RulesOf(s, want.Traffic, d.port))
	if err != nil {
		return // a fault of ours, which the converger reports
	}
	f.Wished, f.Repair = ruleText(text), "the key is written again"
	switch {
	case !stands:
		f.Kind, f.Found = paas.RuleMissing, "no such key"
	case key.Text == text || !readable(key): // one that can't be read is a finding of its own
		return
	default:
		f.Kind, f.Found = paas.RuleChanged, ruleText(key.Text)
	}
	d.say(f)
}

// walkedFrom says that a slot that does not serve still has instances: until they are gone the rule of
// the walk that has ended stays.
func walkedFrom(s paas.Snapshot) bool {
	return len(s.Deployments) > 0 || slices.ContainsFunc(s.Instances, func(i paas.Instance) bool { return i.Slot != s.App.Live && i.Slot != paas.Data && !i.State.Ended() })
}

func (d *drifting) key(ref paas.AppRef) (paas.RuleKey, bool) {
	i := slices.IndexFunc(d.at.Keys, func(k paas.RuleKey) bool { return k.Own && k.Ref == ref })
	if i < 0 {
		return paas.RuleKey{}, false
	}
	return d.at.Keys[i], true
}

func readable(k paas.RuleKey) bool { _, err := route.Parse(k.Text); return err == nil }

// keys names keys that no app has, and those that freeze every router.
func (d *drifting) keys() {
	for _, k := range d.at.Keys {
		f := paas.Finding{Thing: k.Key, Heals: true}
		if _, known := d.snaps[k.Ref]; known && k.Own {
			f.Team, f.App = k.Ref.Team, k.Ref.App
		}
		_, err := route.Parse(k.Text)
		switch {
		case err != nil:
			f.Kind, f.Wished, f.Found = paas.RuleBad, "rules that routers can read", err.Error()
			f.Repair = "the key is moved to " + Quarantine
		case k.Own && f.App == "":
			f.Kind, f.Wished, f.Found = paas.RuleOrphan, "no such key: no app has it", ruleText(k.Text)
			f.Repair = "the key is moved to " + Quarantine
		default:
			continue
		}
		d.say(f)
	}
}

// services names what Consul knows of instances that Nomad has forgotten. Nomad's own clients take away
// what they registered, so these were left by a client that is gone, or made by hand.
func (d *drifting) services() {
	for _, r := range d.at.Services {
		alloc, ofNomad := allocOf(r.ID)
		if ofNomad && d.at.Placed[alloc] {
			continue
		}
		f := paas.Finding{
			Kind: paas.ServiceOrphan, Thing: r.ID, Wished: "no such service: Nomad has no instance for it",
			Found: fmt.Sprintf("%s at %s, on node %s", r.Service, r.Address, r.Node), Repair: "the service is deregistered", Heals: r.Here,
		}
		if !r.Here {
			f.Repair = fmt.Sprintf("only the agent of node %s can take it away: `consul services deregister -id=%s` there", r.Node, r.ID)
		}
		if _, known := d.snaps[paas.AppRef{Team: r.Service.Team, App: r.Service.App}]; known {
			f.Team, f.App = r.Service.Team, r.Service.App
		}
		d.say(f)
	}
}

// allocOf gives the allocation that a service's id names, as Nomad makes them.
func allocOf(id string) (alloc string, ok bool) {
	const length = 36
	rest, ok := strings.CutPrefix(id, "_nomad-task-")
	if !ok || len(rest) < length {
		return "", false
	}
	return rest[:length], true
}

// routers names those whose tables can't be read, or do not show what stands in Consul.
func (d *drifting) routers() {
	if d.at.Unread != "" {
		d.say(paas.Finding{
			Kind: paas.RouterUnreachable, Thing: "routers", Wished: "every router shows its table", Found: d.at.Unread,
			Repair: "nothing can be done from here: start the router, or take it out of Consul",
		})
		return
	}
	for _, table := range d.at.Tables {
		seen := route.FenceOf(table)
		for _, k := range d.at.Keys {
			version := route.FenceVersion(k.Text)
			_, known := d.snaps[k.Ref]
			if !k.Own || !known || version == "" || seen[k.Ref] == version {
				continue
			}
			d.say(paas.Finding{
				Kind: paas.RouterBehind, Team: k.Ref.Team, App: k.Ref.App, Thing: table.Router, Wished: "the rule " + version,
				Found:  cmp.Or(seen[k.Ref], "no rule of the app"),
				Repair: "a router follows Consul by itself; one that does not is frozen by a key that it can't read, or has lost Consul",
			})
		}
	}
}

// ruleText is a rule on one line, without its fence where there is more.
func ruleText(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(line, paas.FenceHost) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return "the rule " + cmp.Or(route.FenceVersion(text), "without a line")
	}
	return strings.Join(lines, "; ")
}

func pointed[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
