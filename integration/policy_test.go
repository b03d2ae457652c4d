package integration_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// securedStories are those of the suite that TestPolicies tells: all that need one node and the programs as they are. The
// others kill or restart programs, start several of them, ask for two nodes or raw_exec, or have apps try what they must
// not, which would count as refused.
var securedStories = []struct {
	name  string
	tell  func(*testing.T)
	teams []string // that are there before
}{
	{name: "push", tell: TestPush},
	{name: "static-site", tell: TestStaticSite},
	{name: "config", tell: TestConfig},
	{name: "volumes", tell: TestVolumes},
	{name: "services", tell: TestServices},
	{name: "guestbook", tell: TestGuestbook},
	{name: "repair", tell: TestRepair},
	{name: "exec", tell: TestExec},
	{name: "run", tell: TestRunCommand},
	{name: "crons", tell: TestCrons},
	{name: "sidecars", tell: TestSidecars},
	{name: "health", tell: TestHealth},
	{name: "strategies", tell: TestStrategies},
	{name: "canary-errors", tell: TestCanaryErrors},
	{name: "teams", tell: TestTeams, teams: []string{"red", "blue"}},
}

// securing is the stack with ACLs on while TestPolicies runs: stories that it tells get that one for their dev.
var securing *guarded

// TestPolicies: stories are told to real programs with ACLs on, in which every actor has its policy of policies/ and
// nothing more, and what each asks is written down. Nothing of it is refused. Then each granted line is taken away in
// turn: at least one of those calls is refused, or shows less. A line that nobody would miss is one too many.
func TestPolicies(t *testing.T) {
	if !proving || stack != "real" {
		t.Skip("needs the real programs and minutes of them alone: make prove STORY=policies STACK=real")
	}
	g := startGuarded(t)
	securing, proving = g, false // which calls a story makes is not a matter of its size
	defer func() { securing, proving = nil, true }()
	t.Run("stories", func(t *testing.T) {
		for _, s := range securedStories {
			for _, name := range s.teams { // Crumpet may make none, docs/policies.md says so
				g.manage("nomad", http.MethodPut, "/v1/namespace/"+name, map[string]string{"Name": name}, nil)
			}
			// In a test of its own, which waits for it: stories are parallel, and this stack is for one at a time.
			t.Run(s.name, func(t *testing.T) { t.Run("whole", s.tell) })
		}
	})
	t.Run("one walk", func(t *testing.T) { g.inOneWalk(t) })
	t.Run("operators", func(t *testing.T) { g.operatorsLook(t) })

	g.ofOthers(t)

	for what, n := range g.record.refused {
		t.Errorf("refused %d times: %s", n, what)
	}
	for _, what := range g.record.silent(time.Minute) {
		t.Errorf("refused, as nothing came for a minute: %s", what)
	}
	sorts, all := len(g.record.count), 0
	for _, n := range g.record.count {
		all += n
	}
	t.Logf("%d calls of %d sorts were allowed", all, sorts)

	rows := g.prove(t)
	var table strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&table, r)
		if len(r.refused) == 0 {
			t.Errorf("%s, line %d: without %s nothing is refused", r.actor, r.cut.line, r.cut.grant)
		}
	}
	t.Logf("%d grants of %d actors\n| actor | line | grant | refused without it |\n|---|---|---|---|\n%s", len(rows), len(actorsOf(rows)), table.String())
}

func actorsOf(rows []row) map[actor]bool {
	all := map[actor]bool{}
	for _, r := range rows {
		all[r.actor] = true
	}
	return all
}

// onlyOnce are calls that end what the others need: they are made with a grant taken away, and with all of them at the end.
var onlyOnce = []call{
	{actor: of("operator", "vault"), method: http.MethodPut, path: "/v1/sys/step-down"},
	{actor: of("operator", "vault"), method: http.MethodPut, path: "/v1/sys/seal"},
}

var (
	grantedPath = regexp.MustCompile(`^path "([^"*]*)`)
	kindOfPath  = regexp.MustCompile(`^crumpet/[a-z]+/([a-z]+)/`)
)

// concerns says whether a call can tell of a grant in Vault: one of its path, or of another half of what is kept there,
// as data is only created anew once its metadata is gone.
func concerns(grant, path string) bool {
	granted, path := grantedPath.FindStringSubmatch(grant)[1], strings.TrimPrefix(path, "/v1/")
	if kind, has := kindOfPath.FindStringSubmatch(granted), kindOfPath.FindStringSubmatch(path); kind != nil && has != nil {
		return kind[1] == has[1]
	}
	return strings.HasPrefix(path, granted)
}

// prove takes each grant of each actor away in turn.
func (g *guarded) prove(t *testing.T) []row {
	t.Helper()
	var rows []row
	for _, a := range slices.Sorted(maps.Keys(g.tokens)) {
		name, program := a.split()
		var besides []string
		if name == "operator" {
			besides = []string{policyOf(t, of("reader", program))}
		}
		text := policyOf(t, a)
		calls, began := g.record.of(a), time.Now()
		full := g.token(program, "full-"+name, append(slices.Clone(besides), text)...)
		for i, c := range cutsOf(text) {
			token := g.token(program, fmt.Sprintf("cut-%s-%d", name, i), append(slices.Clone(besides), c.text)...)
			one := row{actor: a, cut: c}
			for _, made := range calls {
				if program == "vault" && !concerns(c.grant, made.path) {
					continue
				}
				refused := func() bool { return g.again(made, token).less(g.again(made, full)) }
				// Twice in Vault: a write may make a thing the first time, and changes it the second.
				if (refused() || program == "vault" && refused()) && !slices.Contains(one.refused, made.what()) {
					one.refused = append(one.refused, made.what())
				}
			}
			for _, made := range onlyOnce {
				path := strings.TrimPrefix(made.path, "/v1/")
				if made.actor == a && strings.Contains(c.grant, path) && g.again(made, token).refused {
					one.refused = append(one.refused, made.what())
				}
			}
			rows = append(rows, one)
		}
		t.Logf("%s: %d calls made again in %s", a, len(calls), time.Since(began).Round(time.Second))
	}
	for _, made := range onlyOnce {
		if o := g.again(made, g.tokens[made.actor]); o.status/100 != 2 {
			t.Errorf("%s: %d %s", made.what(), o.status, o.text)
		}
		g.eventually(20*time.Second, func() bool {
			code, _ := g.call("vault", "", http.MethodGet, "/v1/sys/health", nil, nil)
			return code == http.StatusOK
		})
	}
	return rows
}
