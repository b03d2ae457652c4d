package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestEverythingThatMovedIsNamed(t *testing.T) {
	t.Parallel()
	base := func(edits ...func(*paas.PlanBase)) paas.PlanBase {
		b := paas.PlanBase{Version: 4, Release: 2, Jobs: map[paas.Slot]uint64{paas.Blue: 812, paas.Green: 30}, SpecDigest: "0123456789abcdef", Artifact: "aaaa"}
		for _, edit := range edits {
			edit(&b)
		}
		return b
	}
	for _, c := range []struct {
		name string
		edit func(*paas.PlanBase)
		want string // "" if the plan holds
	}{
		{"nothing", func(*paas.PlanBase) {}, ""},
		{"a job by somebody else", func(b *paas.PlanBase) { b.Jobs[paas.Blue] = 840 }, "job shop.blue was at index 812, now 840: somebody changed it in Nomad"},
		{"a job that is gone", func(b *paas.PlanBase) { b.Jobs[paas.Green] = 0 }, "job shop.green was at index 30 and is gone"},
		{"another release", func(b *paas.PlanBase) { b.Release = 3 }, "release 2 served, now release 3 does"},
		{"a wish", func(b *paas.PlanBase) { b.Version = 6 }, "what is wanted of the app was at version 4, now 6"},
		{"the spec", func(b *paas.PlanBase) { b.SpecDigest = "fedcba9876543210" }, "its digest was 0123456789ab, now fedcba987654"},
		{"the artifact", func(b *paas.PlanBase) { b.Artifact = "bbbb" }, "the artifact is another"},
		{"the configuration", func(b *paas.PlanBase) { b.Config = 4 }, "the configuration was at version 0, now 4"},
		{"the rule", func(b *paas.PlanBase) { b.Rule = 99 }, "the rule of the routers was at index 0, now 99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			moved := deploy.Moved(shop, base(), base(c.edit))
			switch {
			case c.want == "" && len(moved) > 0:
				t.Errorf("moved: %q", moved)
			case c.want != "" && !slices.ContainsFunc(moved, func(s string) bool { return strings.Contains(s, c.want) }):
				t.Errorf("nothing says %q: %q", c.want, moved)
			}
		})
	}
	if moved := deploy.Moved(shop, base(func(b *paas.PlanBase) { b.Rule = 7 }), base()); len(moved) > 0 {
		t.Errorf("a rule that a walk left behind and that is gone: %q", moved)
	}
}

func TestAPlanIsAppliedExactlyOrRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	next := request(spec(2, "hello"), "a")
	plan, err := c.deployer().Plan(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	registers, version := 0, c.snapshot().Version
	c.set(func() { registers = c.registers })
	if again, err := c.deployer().Plan(t.Context(), next); err != nil || again.Base.Version != plan.Base.Version {
		t.Errorf("planned again: %+v, %v", again.Base, err)
	}
	if now := c.snapshot().Version; now != version {
		t.Errorf("a plan changed the app: version %d, now %d", version, now)
	}

	next.Base = &plan.Base
	if d := c.push(next); d.State != paas.DeploymentHealthy || d.Release != plan.Release || d.Slot != plan.ToSlot {
		t.Errorf("release %d in %s is %s, the plan said release %d in %s", d.Release, d.Slot, d.State, plan.Release, plan.ToSlot)
	}
	if _, err := c.deployer().Deploy(t.Context(), next); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "release 1 served, now release 2 does") {
		t.Errorf("applied again: %v", err)
	}
	c.set(func() {
		if c.registers == registers {
			t.Error("nothing was registered")
		}
	})
}

func TestAPlanWarnsWhereNomadSaysOtherwise(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() { c.violent = func(string) bool { return true } })
	plan, err := c.deployer().Plan(t.Context(), request(spec(3, "hi"), "a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0 of web would be replaced at once, Nomad says 2", "a push would walk to green instead"} {
		if !slices.ContainsFunc(plan.Warnings, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no warning says %q: %q", want, plan.Warnings)
		}
	}
}

func TestAPlanBesideAHeldCanaryHoldsNothingAgainstNomad(t *testing.T) {
	t.Parallel()
	c := serving(t, 2)
	id := c.begin(request(by(spec(2, "hi"), manual(1, 50)), "b"))
	c.heldAt(id, 50)
	next := request(spec(2, "hi"), "c")
	next.Supersede = true
	plan, err := c.deployer().Plan(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Placement.Checked || slices.ContainsFunc(plan.Warnings, func(s string) bool { return strings.Contains(s, "Nomad says") }) {
		t.Errorf("checked: %t, warnings: %q", plan.Placement.Checked, plan.Warnings)
	}
}

func TestAPlanSaysWhatBlocksIt(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.push(request(spec(2, "hi"), "a"))
	c.set(func() { c.noRoom = true })
	plan, err := c.deployer().Plan(t.Context(), request(spec(2, "hello"), "a"))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Placement.Possible || len(plan.Placement.Blockers) != 1 {
		t.Fatalf("placement %+v", plan.Placement)
	}
	if b := plan.Placement.Blockers[0]; !strings.Contains(b.Reason, "no node has 64 MiB of free memory") && !strings.Contains(b.Reason, "memory") || b.Then == "" {
		t.Errorf("blocker %+v", b)
	}
}
