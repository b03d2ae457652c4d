package deploy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// held are the rules that trials on real programs have taught us about two slots (slots.md), by its
// sections, each with the tests that fail without it: DIRECTORY.TEST. Whoever renames one says so here.
var held = []struct {
	section, rule string
	tests         []string
}{
	{"A1", "every register of a slot with instances is planned, judged by its annotations, and made with the plan's index; else the app walks", []string{
		"server/deploy.TestGuard", "server/deploy.TestACountThatNomadCallsDestructiveWalksInstead", "server/deploy.TestAnOldSlotThatCantBeChangedInPlaceIsKeptAsItIs",
		"server/nomad.TestARegisterNamesTeamAndIndex",
	}},
	{"A1", "the rendered job is stored with its slot, and only counts and tags of that text change", []string{
		"server/jobspec.TestAmendChangesCountsAndTagsOnly", "server/jobspec.TestAmendWithTheSameSpecGivesTheStoredBytes", "server/deploy.TestTagsFollowTheRoutersPortInPlace",
	}},
	{"A2", "what touches a check changes the task, and walks", []string{
		"server/jobspec.TestForcesNamesEveryKeyOfAProcess", "server/jobspec.TestForcesNamesTheKeyThatDiffers", "server/deploy.TestAChangeOfCountsStaysInTheLiveSlot",
	}},
	{"A3", "healthy instances below the new count are counted before any are taken away; else new ones come first", []string{
		"server/deploy.TestNext", "server/deploy.TestNothingHealthyIsTakenAwayForWhatFailed", "server/deploy.TestNoOrderOfThingsTakesInstancesFromTheTraffic",
	}},
	{"A4", "healthy is running with every check passing for min_healthy, timed by watch for each allocation", []string{
		"server/watch.TestAnInstanceIsHealthyOnceItsChecksHavePassedLongEnough", "server/watch.TestARestartedTaskStartsTheClockAnew",
		"server/watch.TestAServersRestartKeepsTheClockAndTheHealth", "server/watch.TestAProcessWithoutACheckIsHealthyAfterFiveSecondsWithoutARestart",
		"server/deploy.TestScalingDuringACanaryChangesWhatItWalksTo",
	}},
	{"A4", "every job has a migrate block with a short min_healthy_time", []string{"server/jobspec.TestNomadKeepsOutOfWalks"}},
	{"A5", "a drain walks what would have nothing left on its node, then lets Nomad drain", []string{
		"server/cluster.TestADrainWalksWhatWouldHaveNothingLeftAndThenLetsNomadDrain", "server/cluster.TestNext",
	}},
	{"A5", "a walk takes nothing away while instances migrate", []string{"server/deploy.TestNothingHealthyIsTakenAwayForWhatFailed"}},
	{"A6", "room is planned before anything is registered; afterwards the evaluation says it; a blocked slot pauses the walk", []string{
		"server/deploy.TestAReleaseWithoutRoomIsPausedThenGivenUpAndNeverRegistered", "server/deploy.TestWhatAWalkDoesWithoutRoom",
		"server/deploy.TestStepsWithoutRoomTakeOldOnesFirst", "server/watch.TestTheEvaluationDecidedLastSpeaksForTheJob",
	}},
	{"A7", "a stale index is a conflict although Nomad answers 500, and is tried again", []string{"server/nomad.TestErrorsGetACodeAndNoSecret"}},
	{"A7", "every prefix of the writes is safe: the rule first, then what grows, then what shrinks", []string{
		"server/deploy.TestNoOrderOfThingsTakesInstancesFromTheTraffic", "integration.TestBoundaries",
	}},
	{"A7", "an empty slot has count 0 and is stopped only with its app; a job that is gone is made anew", []string{
		"server/deploy.TestStopStartRestartAndDestroy", "server/deploy.TestAKilledServerFinishesItsWalkAndFillsAnEmptyNomadAgain",
	}},
	{"A8", "names are joined so that they can be split again, and fit", []string{"server/jobspec.TestJoinedNamesStayLabels", "server/deploy.TestOneNameIsOneProcessOfOneApp"}},
	{"A8", "one Vault role for each app with the exact two job ids: secrets are refused until there is one", []string{"server/spec.TestGoldens"}},
	{"B1", "0 % is a del, a share is at least 0.001 and without an exponent, 100 % is weight 2", []string{
		"server/route.TestSharesNeverLeakNorRoundToZero", "server/deploy.TestTheRuleOfAStep", "server/devstack/router.TestWeightOneLeaksForTwentyFourCountsAndWeightTwoForNone",
	}},
	{"B1", "the old slot stays warm behind weight 2, to be gone back to", []string{"server/deploy.TestBlueGreenSwitchesOnceAndGoesBackAtOnce"}},
	{"B2", "no instance of a dark slot is registered, and no share judged, before every router shows the fence", []string{
		"server/deploy.TestADarkInstanceIsInNoTable", "server/deploy.TestAWalkHoldsWhileARouterDoesNotFollow", "server/route.TestRenderPutsTheFenceLast",
		"server/route.TestSeenWantsOneVersionInEveryTable", "server/watch.TestAFenceIsSeenWhenItStandsInEveryRouter",
	}},
	{"B2", "every router is one that may serve: also one that is ill, but not one that has ended", []string{
		"server/consul.TestServicesAreAllOnNodesThatAreWell", "server/fabio.TestOnlyARouterThatServesNobodyIsGone",
		"server/fabio.TestARouterThatWasKilledHoldsNobodyForLong", "server/fabio.TestARouterThatSaysNothingHoldsEverybody",
	}},
	{"A7", "a job is ended by compare-and-set, and none whose name will be used again is purged", []string{
		"server/deploy.TestALeaderOfBeforeStopsNothingThatWasRegisteredSince", "server/deploy.TestAnAppMayHaveTheNameOfOneThatWasDestroyed",
	}},
	{"B2", "the key goes only when what it hides has left Nomad, Consul and every router", []string{"server/deploy.TestARuleThatHidesIsOnlyDroppedOnceNoRouterShowsWhatItHid"}},
	{"B2", "a lost key is put back before anything else is done", []string{"server/deploy.TestALostRuleIsPutBackBeforeAnythingElse"}},
	{"B2", "a dark slot that shows in a router holds its walk", []string{"server/deploy.TestADarkSlotThatARouterShowsHoldsTheWalk"}},
	{"B3", "rules are rendered from typed values, and read back by Fabio's own grammar before each put", []string{
		"server/route.TestRenderRefusesWhatRoutersMisread", "server/route.FuzzRenderedRulesAreReadBack", "server/route.TestParseRefusesWhatFreezesEveryTable",
		"server/route.TestParseFollowsFabiosGrammar", "server/route.TestNoLineIsLongerThanFabioReads",
	}},
	{"B3", "a router that does not follow is told of, and no walk goes on", []string{"server/deploy.TestAWalkHoldsWhileARouterDoesNotFollow"}},
	{"B4", "one line for each host and path, as its tag has it", []string{"server/deploy.TestTheRuleOfAStep", "server/route.TestARuleMayBeOfOneRouteAtTheRoutersPort"}},
	{"B4", "routers pick at random, or a quiet app sends its first request to the canary", []string{"integration.TestShare", "server/devstack/router.TestRoundRobinSpreadsTheRing"}},
	{"B4", "a route that only the new release has stays dark until all requests move", []string{"server/deploy.TestTheRuleOfAStep"}},
	{"B5", "no name in Consul holds both slots, and instances are given no address of an app but the router's", []string{
		"server/deploy.TestAnAppIsReachedByItsRoutesOnly",
	}},
	{"C", "requests move before SIGTERM, and old instances go a few at a time", []string{"server/deploy.TestStepsOfEachStrategy", "server/deploy.TestSharesGoWhereInstancesAre"}},
	{"C", "instances leave Consul before they are asked to end, and kill_timeout is no more than clients allow", []string{
		"server/jobspec.TestNomadKeepsOutOfWalks", "server/spec.TestOneFaultGivesOneSentence",
	}},
	{"D1", "a process with a volume never changes slot: volumes are refused until that is so", []string{"server/spec.TestGoldens"}},
	{"D2", "workers follow by number or at the switch; singletons stop first", []string{"server/deploy.TestStepsOfEachStrategy", "server/deploy.TestSteps"}},
	{"D3", "a task of the phase before runs once, before step 1", []string{
		"server/deploy.TestTasksOfTheFirstPhaseRunOneAfterTheOtherBeforeAnyInstance", "server/deploy.TestAServerThatIsKilledAnywhereRunsATaskOnce",
	}},
	{"D8", "what somebody else changed is told of, and healed", []string{"server/deploy.TestDrift", "server/deploy.TestRepairHealsByTheConvergerAndTakesAwayWhatNothingNames"}},
	{"D9", "ports of tasks lie outside of those that the kernel gives to connections (of a cluster the README says it)", []string{"server/devstack.TestPortsOfTasksLieBelowThoseOfConnections"}},
}

func TestEveryRuleOfTheSlotsIsHeldByATest(t *testing.T) {
	t.Parallel()
	known := map[string]map[string]bool{}
	for _, rule := range held {
		if len(rule.tests) == 0 {
			t.Errorf("%s: no test holds that %s", rule.section, rule.rule)
		}
		for _, name := range rule.tests {
			at := strings.LastIndexByte(name, '.')
			dir, test := name[:at], name[at+1:]
			if known[dir] == nil {
				known[dir] = testsIn(t, filepath.Join("..", "..", filepath.FromSlash(dir)))
			}
			if !known[dir][test] {
				t.Errorf("%s: %s is to be held by %s, which is not there", rule.section, rule.rule, name)
			}
		}
	}
}

// testsIn names the tests and fuzz targets of a folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

func TestALostRuleIsPutBackBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	c := serving(t, 4)
	id := c.begin(request(by(spec(4, "hi"), manual(1, 25)), "b"))
	c.heldAt(id, 25)
	bare := false
	c.set(func() {
		delete(c.rules, shop)
		c.violent = func(string) bool { // asked at each plan
			bare = bare || c.rules[shop] == ""
			return false
		}
	})
	if _, err := c.deployer().Scale(t.Context(), shop, map[string]int{"web": 8}, "ann"); err != nil {
		t.Fatal(err)
	}
	c.until("the canary has grown", func() (paas.Deployment, bool) { return paas.Deployment{}, c.counts()["green"] == 2 })
	c.set(func() {
		if bare {
			t.Error("a job was planned while the rule was lost")
		}
	})
	if c.share() != 25 {
		t.Errorf("the canary gets %d %%", c.share())
	}
}

func TestADarkSlotThatARouterShowsHoldsTheWalk(t *testing.T) {
	t.Parallel()
	d, snap := scene{
		steps: []paas.Step{share(0, step(2, 2)), share(100, step(2, 2))}, wanted: 2,
		green: []paas.Instance{healthy(0), healthy(1)}, any: []paas.Instance{healthy(1)},
	}.build()
	snap.Router = paas.RouterFact{Routers: 2, Seen: "d1-0"}
	now := noon.Add(5 * time.Second)
	if v := deploy.Next(d, snap, now); v.Move != deploy.Hold || v.Reason != "a router leads to new instances of web, which are to be dark" {
		t.Errorf("it says %+v", v)
	}
	snap.Routes[0].Any = nil
	if v := deploy.Next(d, snap, now); v.Move != deploy.Advance {
		t.Errorf("dark in every router, it says %+v", v)
	}
}

// Dark is dark in Fabio only: who asks Consul for a service gets whatever stands in it. So no service spans the
// slots, and nothing that Crumpet puts into an instance says where an app's instances are: calls between apps go
// by their routes.
func TestAnAppIsReachedByItsRoutesOnly(t *testing.T) {
	t.Parallel()
	s := spec(2, "hi")
	port := s.Processes[0].Ports
	s.Processes[0].Routes = []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}}
	api, worker := s.Processes[0], s.Processes[0]
	api.Name, api.Routes = "api", []paas.Route{{Host: "shop.localhost", Path: "/api/", Port: "http"}}
	worker.Name, worker.Routes, worker.Ports = "worker", nil, port // it listens, for whoever has its address
	s.Processes = append(s.Processes, api, worker)
	urls := map[string]string{"web": "http://shop.localhost/", "api": "http://shop.localhost/api/", "worker": "http://shop.localhost/"}
	names := map[string]paas.Slot{}
	for _, slot := range []paas.Slot{paas.Blue, paas.Green} {
		text, err := render(paas.Release{Team: "default", App: "shop", Number: 2, Spec: s, Artifact: strings.Repeat("a", 64)}, slot, nil)
		if err != nil {
			t.Fatal(err)
		}
		job, err := jobspec.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range job.TaskGroups {
			if len(g.Services) == 0 {
				t.Errorf("%s has no service", *g.Name)
			}
			for _, service := range g.Services {
				of, ok := paas.ParseService(service.Name)
				if !ok || of.Slot != slot || of.Process != *g.Name {
					t.Errorf("the service of %s in %s is %s", *g.Name, slot, service.Name)
				}
				names[service.Name] = slot
				for _, tag := range append(service.Tags, service.CanaryTags...) {
					if !strings.HasPrefix(tag, paas.TagPrefix) {
						t.Errorf("%s has the tag %q, by which it could be asked for in either slot", service.Name, tag)
					}
				}
			}
			for _, task := range g.Tasks {
				for name, value := range task.Env {
					if name == "CRUMPET_URL" && value == urls[*g.Name] {
						continue
					}
					if strings.Contains(value, "://") || strings.Contains(value, "--") || strings.Contains(value, "consul") {
						t.Errorf("%s is given %s=%s", *g.Name, name, value)
					}
				}
				if task.Env["CRUMPET_URL"] == "" || len(task.Templates) > 0 {
					t.Errorf("%s is given %v and %d templates", *g.Name, task.Env, len(task.Templates))
				}
			}
		}
	}
	if len(names) != 2*len(s.Processes) {
		t.Errorf("services %v: some name is in both slots", names)
	}
}

// Two processes never share a service or a job, whatever their apps and teams are called.
func TestOneNameIsOneProcessOfOneApp(t *testing.T) {
	t.Parallel()
	seen := map[string]paas.Service{}
	parts := []string{"a", "a-b", "a-b-c", "b", "b-c", "c"}
	for _, team := range parts {
		for _, app := range parts {
			for _, process := range parts {
				for _, slot := range []paas.Slot{paas.Blue, paas.Green} {
					s := paas.Service{Team: team, App: app, Process: process, Slot: slot}
					name := s.String()
					if other, taken := seen[name]; taken {
						t.Fatalf("%+v and %+v are both %s", s, other, name)
					}
					seen[name] = s
					if back, ok := paas.ParseService(name); !ok || back != s {
						t.Errorf("%s is read as %+v", name, back)
					}
				}
			}
		}
	}
	long := paas.Service{Team: strings.Repeat("t", paas.MaxTeam), App: strings.Repeat("a", paas.MaxApp), Process: strings.Repeat("p", paas.MaxProcess), Slot: paas.Green}
	if n := len(long.String()); n > 63 {
		t.Errorf("the longest service name has %d characters", n)
	}
}
