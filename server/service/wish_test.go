package service_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
)

func queue(name string) paas.ServiceUse {
	return paas.ServiceUse{Name: name, Instance: "shop-" + name, Offering: "queue", Plan: "small", Bind: paas.Bind{As: paas.AsEnv, Env: strings.ToUpper(name) + "_URL"}}
}

func TestADeclaredServiceIsMadeBoundAndEnded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	s.release(1, paas.Blue, job(nil), queue("jobs"), queue("mail"))
	b := s.bound("jobs", ready)
	s.bound("mail", ready)
	i, _ := s.instance("shop-jobs")
	if !b.Declared || b.Bind.Env != "JOBS_URL" || b.CreatedBy != "ann" || i.ForApp != "shop" || i.State != paas.ServiceReady {
		t.Errorf("%+v of %+v", b, i)
	}
	s.rendered(job(map[string][]int{"jobs": {1}, "mail": {1}}))

	// The next release wants one less: it ends once the release that has it is gone, the instance stays.
	s.release(2, paas.Green, job(map[string][]int{"jobs": {1}}), queue("jobs"))
	until(t, "mail is unbound", func() bool { _, there := s.binding("mail"); return !there })
	if i, there := s.instance("shop-mail"); !there || i.State != paas.ServiceReady {
		t.Errorf("the instance: %+v", i)
	}

	// Ended by hand it stays so until there is another release.
	_, err := s.Unbind(t.Context(), paas.ServiceUnbind{Team: "default", App: "shop", Name: "jobs", By: "ann"})
	s.must(err)
	b = s.bound("jobs", func(b paas.Binding) bool { return b.State == paas.BindingEnded })
	if b.Unbound != 2 || b.Generation != 0 {
		t.Errorf("%+v", b)
	}
	if _, bindings := s.broker.Has(); len(bindings) != 0 {
		t.Errorf("the broker has %v", bindings)
	}
	until(t, "a walk without it", func() bool { return slices.Contains(s.deployer.asked(), "unbind jobs") })
	again, err := s.Unbind(t.Context(), paas.ServiceUnbind{Team: "default", App: "shop", Name: "jobs", By: "ann"})
	s.must(err)
	if !again.Already {
		t.Error("unbound a second time")
	}
	s.release(3, paas.Blue, job(nil), queue("jobs"))
	b = s.bound("jobs", ready)
	if b.Unbound != 0 || b.Generation < 1 {
		t.Errorf("%+v", b)
	}

	// With the app all its bindings go, and no instance.
	snap, err := s.store.Snapshot(t.Context(), shop)
	s.must(err)
	s.must(s.store.Save(t.Context(), 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	s.Wake(shop) // as every commit does for its app
	until(t, "unbound", func() bool { _, there := s.binding("jobs"); return !there })
	if instances, bindings := s.broker.Has(); len(instances) != 2 || len(bindings) != 0 {
		t.Errorf("the broker has %v and %v", instances, bindings)
	}
	if left := s.vault.left(); len(left) != 0 {
		t.Errorf("left in Vault: %v", left)
	}
}

func TestADeclaredServiceThatFailedIsTriedWithTheNextRelease(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	missing := queue("jobs")
	missing.Plan = "huge"
	s.release(1, paas.Blue, job(nil), missing)
	b := s.bound("jobs", func(b paas.Binding) bool { return b.State == paas.BindingFailed })
	if !strings.Contains(b.Reason, `no plan "huge"`) || b.Tried != 1 {
		t.Errorf("%+v", b)
	}
	s.release(2, paas.Green, job(nil), queue("jobs"))
	s.bound("jobs", ready)
}

func TestDecisionsOverTheBindingsOfAnApp(t *testing.T) {
	t.Parallel()
	snap := func(live int, change func(*paas.Snapshot)) *paas.Snapshot {
		s := &paas.Snapshot{
			App:    paas.App{Team: shop.Team, Name: shop.App, Live: paas.Blue, Release: live},
			Newest: live, Releases: map[int]paas.Release{},
			Slots: map[paas.Slot]paas.Slotted{paas.Blue: {Slot: paas.Blue, Release: live, Counts: map[string]int{"web": 1}}},
		}
		for n := 1; n <= 9; n++ {
			s.Releases[n] = paas.Release{Team: shop.Team, App: shop.App, Number: n}
		}
		s.Releases[1] = paas.Release{Number: 1, CreatedBy: "ann", Spec: paas.Spec{Services: []paas.ServiceUse{queue("jobs")}}}
		if change != nil {
			change(s)
		}
		return s
	}
	instance := paas.ServiceInstance{ID: "i1", Team: shop.Team, Name: "shop-jobs", Kind: paas.KindBroker, Provider: "acme", State: paas.ServiceReady}
	bound := func(change func(*paas.Binding)) []paas.Binding {
		b := paas.Binding{
			ID: "b1", Team: shop.Team, App: shop.App, Name: "jobs", Instance: "shop-jobs", Kind: paas.KindBroker, Declared: true, Bind: queue("jobs").Bind,
			State: paas.BindingReady, Generation: 3, Issued: []paas.Issued{{Generation: 3, ID: "x3", At: noon}}, Tried: 1,
		}
		if change != nil {
			change(&b)
		}
		return []paas.Binding{b}
	}
	retiring := func(b *paas.Binding) {
		b.Retiring, b.Issued = []int{2}, []paas.Issued{{Generation: 2, ID: "x2"}, {Generation: 3, ID: "x3", At: noon}}
	}
	for name, c := range map[string]struct {
		snap       *paas.Snapshot
		bindings   []paas.Binding
		instance   func(*paas.ServiceInstance)
		operations []paas.Operation
		now        time.Time
		used       string
		want       []string // of operations and bindings
	}{
		"one that is wanted and there rests": {snap: snap(1, nil), bindings: bound(nil)},
		"one that a slot with instances still has rests, though it is live no longer": {
			snap: snap(2, func(s *paas.Snapshot) {
				s.Slots[paas.Green] = paas.Slotted{Slot: paas.Green, Release: 1, Counts: map[string]int{"web": 0}}
				s.Instances = []paas.Instance{{Slot: paas.Green, Release: 1, State: paas.InstanceStopping}}
			}), bindings: bound(nil),
		},
		"one that a walk leads to rests":         {snap: snap(2, func(s *paas.Snapshot) { s.Deployments = []paas.Deployment{{Release: 1, Previous: 2}} }), bindings: bound(nil)},
		"one that a walk comes from rests":       {snap: snap(2, func(s *paas.Snapshot) { s.Deployments = []paas.Deployment{{Release: 3, Previous: 1}} }), bindings: bound(nil)},
		"one that nothing wants ends":            {snap: snap(2, nil), bindings: bound(nil), want: []string{"unbind x3", "unbinding"}},
		"one of an app that goes ends":           {snap: snap(1, func(s *paas.Snapshot) { s.App.Deleting = true }), bindings: bound(nil), want: []string{"unbind x3", "unbinding"}},
		"one of an app that is gone ends":        {bindings: bound(nil), want: []string{"unbind x3", "unbinding"}},
		"one made by hand rests":                 {snap: snap(2, nil), bindings: bound(func(b *paas.Binding) { b.Declared = false })},
		"one made by hand ends with the app":     {bindings: bound(func(b *paas.Binding) { b.Declared = false }), want: []string{"unbind x3", "unbinding"}},
		"one that is stopped with its app rests": {snap: snap(1, func(s *paas.Snapshot) { s.App.Stopped = true; s.Slots = nil }), bindings: bound(nil)},
		"one that is pending gets credentials": {
			snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued = paas.BindingPending, 0, nil }), want: []string{"bind"},
		},
		"one that is pending waits for its instance": {
			snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued = paas.BindingPending, 0, nil }),
			instance: func(i *paas.ServiceInstance) { i.State = paas.ServiceCreating }, want: []string{"pending: Service instance \"shop-jobs\" is being made."},
		},
		"one whose instance failed fails": {
			snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued = paas.BindingPending, 0, nil }),
			instance: func(i *paas.ServiceInstance) { i.State, i.Reason = paas.ServiceFailed, "No." }, want: []string{"failed: Service instance \"shop-jobs\" could not be made: No."},
		},
		"one that is being bound waits": {
			snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued = paas.BindingPending, 0, nil }),
			operations: []paas.Operation{{Op: paas.OpBind, Target: paas.OperationTarget{Owner: "b1"}}},
		},
		"one that was ended by hand rests":            {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Unbound = paas.BindingEnded, 0, 1 })},
		"one that was ended before is wanted anew":    {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Unbound = paas.BindingEnded, 0, 0 }), want: []string{"pending"}},
		"one that was ended and nothing wants goes":   {snap: snap(2, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Unbound = paas.BindingEnded, 0, 1 }), want: []string{"dropped"}},
		"one that failed for this release rests":      {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued = paas.BindingFailed, 0, nil })},
		"one that failed for an earlier is tried":     {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.State, b.Generation, b.Issued, b.Tried = paas.BindingFailed, 0, nil, 0 }), want: []string{"bind", "pending"}},
		"old credentials that nobody has end":         {snap: snap(1, nil), bindings: bound(retiring), want: []string{"unbind x2"}},
		"old credentials that somebody has stay":      {snap: snap(1, nil), bindings: bound(retiring), used: "slot blue", want: []string{"ready: slot blue"}},
		"old credentials end one time":                {snap: snap(1, nil), bindings: bound(retiring), operations: []paas.Operation{{Op: paas.OpUnbind, Cleaning: true, Target: paas.OperationTarget{Owner: "b1", Generation: 2}}}},
		"credentials are replaced before they end":    {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.Issued[0].RenewBefore = noon.Add(time.Hour) }), now: noon.Add(time.Hour), want: []string{"bind"}},
		"and not long before":                         {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.Issued[0].RenewBefore = noon.Add(time.Hour) }), now: noon.Add(59 * time.Minute)},
		"at half of their life where nothing is said": {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.Issued[0].ExpiresAt = noon.Add(time.Hour) }), now: noon.Add(30 * time.Minute), want: []string{"bind"}},
		"one whose name the spec takes is the spec's": {snap: snap(1, nil), bindings: bound(func(b *paas.Binding) { b.Declared = false }), want: []string{"ready"}},
		"a bind that was never called is not":         {snap: snap(2, nil), bindings: bound(nil), operations: []paas.Operation{{ID: "o9", Op: paas.OpBind, State: paas.OperationPlanned, Target: paas.OperationTarget{Owner: "b1"}}}, want: []string{"unbind x3", "unbinding", "never o9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := instance
			if c.instance != nil {
				c.instance(&i)
			}
			if c.now.IsZero() {
				c.now = noon
			}
			change := service.Turn(c.snap, shop, []paas.ServiceInstance{i}, c.bindings, c.operations, nil, c.now, c.used)
			var got []string
			for _, o := range change.Operations {
				line := string(o.Op)
				if o.Op == paas.OpUnbind {
					line += " " + o.Target.BindingID
				} else if o.Target.Generation != c.bindings[0].Generation+1 {
					t.Errorf("generation %d", o.Target.Generation)
				}
				got = append(got, line)
			}
			for _, b := range change.Bindings {
				line := string(b.State)
				if b.Reason != "" {
					line += ": " + b.Reason
				}
				got = append(got, line)
			}
			for range change.DropBindings {
				got = append(got, "dropped")
			}
			for _, o := range change.DropOperations {
				got = append(got, "never "+o.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Nobody heard of the app's end: the server that deleted it died. The next one finds what is left of it.
func TestABindingOfAnAppThatIsGoneEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	end := s.lead()
	s.release(1, paas.Blue, job(nil), queue("jobs"))
	s.bound("jobs", ready)
	end()
	snap, err := s.store.Snapshot(t.Context(), shop)
	s.must(err)
	s.must(s.store.Save(t.Context(), 0, paas.Change{Ref: shop, Version: snap.Version, Delete: true}))
	s.Services = service.New(s.cfg) // another server
	s.lead()
	until(t, "unbound", func() bool { _, there := s.binding("jobs"); return !there })
	if _, bindings := s.broker.Has(); len(bindings) != 0 {
		t.Errorf("the broker has %v", bindings)
	}
}
