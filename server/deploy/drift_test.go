package deploy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

const alloc = "11111111-2222-3333-4444-555555555555"

// stood is an app whose release 1 serves in blue with two instances, and a cluster that is as it wishes.
func stood(t *testing.T) (paas.Snapshot, deploy.Standing) {
	t.Helper()
	s := spec(2, "hi").WithDefaultRoute("localhost")
	rel := paas.Release{Team: "default", App: "shop", Number: 1, Spec: s, Artifact: strings.Repeat("a", 64)}
	text, err := render(rel, paas.Blue, nil)
	if err != nil {
		t.Fatal(err)
	}
	cron := paas.SideJob{App: "shop", Kind: paas.JobCron, Name: "report"}.String()
	snap := paas.Snapshot{
		Version: 3, Newest: 1, Releases: map[int]paas.Release{1: rel},
		App:   paas.App{Team: "default", Name: "shop", Live: paas.Blue, Release: 1, Counts: map[string]int{"web": 2}},
		Slots: map[paas.Slot]paas.Slotted{paas.Blue: {Team: "default", App: "shop", Slot: paas.Blue, Release: 1, Job: text, Counts: map[string]int{"web": 2}, First: 10, Index: 12}},
		Sides: map[string]paas.Side{cron: {Team: "default", App: "shop", Job: cron, Kind: paas.JobCron, Name: "report", Release: 1, Index: 11, Stands: true}},
	}
	job := jobOf(t, snap, 12, 2)
	return snap, deploy.Standing{
		Jobs: []*nomadapi.Job{job, {
			ID: new(cron), Namespace: new("default"), JobModifyIndex: new(uint64(11)),
			TaskGroups: []*nomadapi.TaskGroup{{Name: new("report"), Count: new(1), Tasks: []*nomadapi.Task{{Env: map[string]string{"CRUMPET_ARTIFACT": "a"}}}}},
		}},
		Services: []paas.Registered{{
			ID: "_nomad-task-" + alloc + "-group-web-x-http", Service: paas.Service{Team: "default", App: "shop", Process: "web", Slot: paas.Blue},
			Node: "n1", Address: "10.0.0.4:23000", Here: true,
		}},
		Placed: map[string]bool{alloc: true},
		Tables: []paas.RouterTable{{Router: "http://10.0.0.7:9998"}},
	}
}

func jobOf(t *testing.T, snap paas.Snapshot, index uint64, n int) *nomadapi.Job {
	t.Helper()
	job, err := jobspec.Decode(snap.Slots[paas.Blue].Job)
	if err != nil {
		t.Fatal(err)
	}
	job = jobspec.Amend(job, map[string]int{"web": n}, snap.Releases[1].Spec, "")
	job.JobModifyIndex = &index
	return job
}

func own(ref paas.AppRef, text string) paas.RuleKey {
	return paas.RuleKey{Key: "fabio/config/crumpet/" + ref.String(), Text: text, Index: 5, Own: true, Ref: ref}
}

func fence(t *testing.T, ref paas.AppRef, version string, rules ...route.Rule) string {
	t.Helper()
	text, err := route.Render(ref, version, rules)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// walks puts the snapshot on a walk to green with the new slot dark, and gives the text of its rule.
func walks(t *testing.T, snap *paas.Snapshot) string {
	t.Helper()
	dark := 0
	snap.Releases[2] = snap.Releases[1]
	snap.Deployments = []paas.Deployment{{
		ID: "d2", Team: "default", App: "shop", Release: 2, Previous: 1, Slot: paas.Green, From: paas.Blue, State: paas.DeploymentRunning,
		Steps: []paas.Step{{Old: map[string]int{"web": 2}, Share: &dark}},
	}}
	return fence(t, shop, "d2-0", route.Dark(paas.Service{Team: "default", App: "shop", Process: "web", Slot: paas.Green}))
}

func TestDrift(t *testing.T) {
	t.Parallel()
	ghost := paas.AppRef{Team: "default", App: "ghost"}
	for name, c := range map[string]struct {
		edit func(*testing.T, *paas.Snapshot, *deploy.Standing)
		want []string
	}{
		"nothing, when all stands as it was written": {},
		"a job that was scaled": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) { at.Jobs[0] = jobOf(t, *s, 99, 5) },
			[]string{"job.changed default/shop shop.blue: wished web=2, found web=5, heals"},
		},
		"a job whose tags were edited": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				at.Jobs[0] = jobOf(t, *s, 99, 2)
				at.Jobs[0].TaskGroups[0].Services[0].Tags = []string{"urlprefix-else.localhost/"}
			},
			[]string{"job.changed default/shop shop.blue: wished web=2, found other tags, heals"},
		},
		"a job that was edited": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) { at.Jobs[0] = jobOf(t, *s, 99, 2) },
			[]string{"job.changed default/shop shop.blue: wished web=2, found written by somebody else: index 99, not 12, heals"},
		},
		"a job that was stopped": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				at.Jobs[0] = jobOf(t, *s, 99, 2)
				at.Jobs[0].Stop = new(true)
			},
			[]string{"job.changed default/shop shop.blue: wished web=2, found stopped, heals"},
		},
		"a job that was purged": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) { at.Jobs = at.Jobs[1:] },
			[]string{"job.missing default/shop shop.blue: wished web=2, found no such job, heals"},
		},
		"nothing, when the job of an empty slot is gone": {
			func(_ *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				row := s.Slots[paas.Blue]
				row.Counts = map[string]int{"web": 0}
				s.Slots[paas.Blue], at.Jobs = row, at.Jobs[1:]
			}, nil,
		},
		"nothing, while a slot was never registered": {
			func(_ *testing.T, s *paas.Snapshot, _ *deploy.Standing) {
				s.Slots[paas.Green] = paas.Slotted{Team: "default", App: "shop", Slot: paas.Green, Counts: map[string]int{"web": 2}}
			}, nil,
		},
		"a cron that was purged": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) { at.Jobs = at.Jobs[:1] },
			[]string{"job.missing default/shop shop.cron.report: wished the cron of release 1, found no such job, heals"},
		},
		"a cron that was stopped": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) { at.Jobs[1].Stop = new(true) },
			[]string{"job.changed default/shop shop.cron.report: wished the cron of release 1, found stopped, heals"},
		},
		"jobs that no row names": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				for i, id := range []string{"shop.green", "ghost.blue", "shop.cron.old"} {
					job := jobOf(t, *s, uint64(50+i), 1)
					job.ID = new(id)
					at.Jobs = append(at.Jobs, job)
				}
			},
			[]string{
				"job.orphan default/ghost ghost.blue: wished no such job, found web=1, heals",
				"job.orphan default/shop shop.cron.old: wished no such job, found web=1, heals",
				"job.orphan default/shop shop.green: wished no such job, found web=1, heals",
			},
		},
		"nothing, where an id is like ours and the job is not, or was stopped": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				stopped := jobOf(t, *s, 50, 1)
				stopped.ID, stopped.Stop = new("ghost.blue"), new(true)
				at.Jobs = append(at.Jobs, stopped, &nomadapi.Job{ID: new("theirs.green"), Namespace: new("default"), TaskGroups: []*nomadapi.TaskGroup{{Tasks: []*nomadapi.Task{{}}}}})
			}, nil,
		},
		"a job of another team is not the one of this": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) { at.Jobs[0].Namespace = new("other") },
			[]string{
				"job.missing default/shop shop.blue: wished web=2, found no such job, heals",
				"job.orphan other/shop shop.blue: wished no such job, found web=2, heals",
			},
		},
		"nothing, when the rule of a walk stands": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				at.Keys = []paas.RuleKey{own(shop, walks(t, s))}
				at.Tables[0].Entries = []paas.RouterEntry{{Service: "crumpet-fence", Host: paas.FenceHost, Path: "/default/shop/d2-0"}}
			}, nil,
		},
		"a rule that was deleted": {
			func(t *testing.T, s *paas.Snapshot, _ *deploy.Standing) { walks(t, s) },
			[]string{"rule.missing default/shop default/shop: wished route del default--shop--web--green, found no such key, heals"},
		},
		"a rule that was edited, and a router that did not follow": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				walks(t, s)
				at.Keys = []paas.RuleKey{own(shop, fence(t, shop, "d2-5"))}
			},
			[]string{
				"router.behind default/shop http://10.0.0.7:9998: wished the rule d2-5, found no rule of the app",
				"rule.changed default/shop fabio/config/crumpet/default/shop: wished route del default--shop--web--green, found the rule d2-5, heals",
			},
		},
		"a rule that is left, and nothing wishes for": {
			func(t *testing.T, _ *paas.Snapshot, at *deploy.Standing) {
				at.Keys = []paas.RuleKey{own(shop, fence(t, shop, "d1-100"))}
				at.Tables[0].Entries = []paas.RouterEntry{{Service: "crumpet-fence", Host: paas.FenceHost, Path: "/default/shop/d1-100"}}
			},
			[]string{"rule.orphan default/shop fabio/config/crumpet/default/shop: wished no rule: requests follow the instances, found the rule d1-100, heals"},
		},
		"nothing, while what the rule hides is still there": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				at.Keys = []paas.RuleKey{own(shop, fence(t, shop, "d1-100"))}
				at.Tables[0].Entries = []paas.RouterEntry{{Service: "crumpet-fence", Host: paas.FenceHost, Path: "/default/shop/d1-100"}}
				s.Instances = []paas.Instance{{Slot: paas.Green, State: paas.InstanceStopping}}
			}, nil,
		},
		"the key of no app": {
			func(t *testing.T, _ *paas.Snapshot, at *deploy.Standing) {
				at.Keys = []paas.RuleKey{own(ghost, fence(t, ghost, "d1"))}
			},
			[]string{"rule.orphan / fabio/config/crumpet/default/ghost: wished no such key: no app has it, found the rule d1, heals"},
		},
		"keys that routers can't read, ours and others', each once": {
			func(t *testing.T, s *paas.Snapshot, at *deploy.Standing) {
				walks(t, s)
				at.Keys = []paas.RuleKey{
					{Key: "fabio/config/theirs", Text: "route wieght x"},
					{Key: "fabio/config/fine", Text: "route del x"},
					own(shop, "route del"),
					{Key: "fabio/config/crumpet/loose", Text: "weight 1", Own: true},
				}
			},
			[]string{
				"rule.bad / fabio/config/crumpet/loose: wished rules that routers can read, found line 1: no route command, heals",
				"rule.bad / fabio/config/theirs: wished rules that routers can read, found line 1: no route command, heals",
				"rule.bad default/shop fabio/config/crumpet/default/shop: wished rules that routers can read, found line 1: route del: not understood, heals",
			},
		},
		"a service without an instance, here and on another node": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) {
				at.Placed = nil
				at.Services = append(at.Services, paas.Registered{
					ID: "by-hand", Service: paas.Service{Team: "default", App: "ghost", Process: "web", Slot: paas.Blue}, Node: "n2", Address: "10.0.0.5:1",
				})
			},
			[]string{
				"service.orphan / by-hand: wished no such service: Nomad has no instance for it, found default--ghost--web--blue at 10.0.0.5:1, on node n2",
				"service.orphan default/shop _nomad-task-" + alloc + "-group-web-x-http: wished no such service: Nomad has no instance for it, found default--shop--web--blue at 10.0.0.4:23000, on node n1, heals",
			},
		},
		"routers that can't be read": {
			func(_ *testing.T, _ *paas.Snapshot, at *deploy.Standing) {
				at.Tables, at.Unread = nil, "The router does not answer."
			},
			[]string{"router.unreachable / routers: wished every router shows its table, found The router does not answer."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snap, at := stood(t)
			if c.edit != nil {
				c.edit(t, &snap, &at)
			}
			var got []string
			for _, f := range deploy.Drift([]paas.Snapshot{snap}, at, "", nil) {
				line := fmt.Sprintf("%s %s/%s %s: wished %s, found %s", f.Kind, f.Team, f.App, f.Thing, f.Wished, f.Found)
				if f.Heals {
					line += ", heals"
				}
				if f.Repair == "" || f.State != paas.FindingFound {
					t.Errorf("%s: repair %q, status %q", line, f.Repair, f.State)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDriftOfOneAppNamesWhatConcernsAllAsWell(t *testing.T) {
	t.Parallel()
	snap, at := stood(t)
	at.Jobs = at.Jobs[1:]
	at.Keys = []paas.RuleKey{{Key: "fabio/config/theirs", Text: "x"}}
	other := paas.AppRef{Team: "default", App: "other"}
	found := deploy.Drift([]paas.Snapshot{snap}, at, "", &other)
	if len(found) != 1 || found[0].Kind != paas.RuleBad {
		t.Errorf("of another app: %+v", found)
	}
	if found = deploy.Drift([]paas.Snapshot{snap}, at, "", &shop); len(found) != 2 {
		t.Errorf("of the app: %+v", found)
	}
}
