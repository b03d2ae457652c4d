package service_test

import (
	"slices"
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// life makes an instance, binds it by hand, updates, rotates, unbinds and deletes it.
func (s *stage) life() {
	s.Helper()
	i := s.create("jobs", "small")
	if i.State != paas.ServiceCreating {
		s.Errorf("a new instance is %s", i.State)
	}
	s.reaches("jobs", paas.ServiceReady)
	_, err := s.Bind(s.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs", By: "ann"})
	s.must(err)
	b := s.bound("jobs", ready)
	if b.Bind.Env != "JOBS_URL" || b.Entries.URL != "uri" || !slices.Equal(b.Entries.Keys, []string{"password", "port", "uri"}) || b.Label != "queue" || b.Generation != 1 {
		s.Errorf("bound: %+v", b)
	}
	until(s, "a walk that brings the binding", func() bool { return slices.Contains(s.deployer.asked(), "bind jobs") })
	s.rendered(job(map[string][]int{"jobs": {1}}))

	_, err = s.Update(s.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs", Plan: "large", By: "ann"})
	s.must(err)
	if i = s.reaches("jobs", paas.ServiceReady); i.Plan != "large" || i.PlanID != "p2" {
		s.Errorf("updated: %+v", i)
	}
	_, err = s.Rotate(s.Context(), paas.ServiceRotate{Team: "default", App: "shop", By: "ann"})
	s.must(err)
	b = s.bound("jobs", func(b paas.Binding) bool { return b.Generation == 2 })
	if !slices.Equal(b.Retiring, []int{1}) {
		s.Errorf("rotated: %+v", b)
	}
	until(s, "a walk that brings the new credentials", func() bool { return slices.Contains(s.deployer.asked(), "rotate jobs") })
	if _, bindings := s.broker.Has(); len(bindings) != 2 {
		s.Errorf("the broker has bindings %v while the app may have the old one", bindings)
	}
	s.rendered(job(map[string][]int{"jobs": {2}}))
	s.bound("jobs", func(b paas.Binding) bool { return len(b.Retiring) == 0 })
	if _, bindings := s.broker.Has(); len(bindings) != 1 {
		s.Errorf("the broker has bindings %v after the rotation", bindings)
	}

	_, err = s.Delete(s.Context(), paas.ServiceDelete{Team: "default", Name: "jobs", By: "ann"})
	s.code(err, paas.Conflict, "app shop")
	_, err = s.Unbind(s.Context(), paas.ServiceUnbind{Team: "default", App: "shop", Instance: "jobs", By: "ann"})
	s.must(err)
	until(s, "a walk without the binding", func() bool { return slices.Contains(s.deployer.asked(), "unbind jobs") })
	until(s, "the binding is gone", func() bool { _, there := s.binding("jobs"); return !there })
	again, err := s.Unbind(s.Context(), paas.ServiceUnbind{Team: "default", App: "shop", Instance: "jobs", By: "ann"})
	s.must(err)
	if !again.Already {
		s.Errorf("unbound twice: %+v", again)
	}
	_, err = s.Delete(s.Context(), paas.ServiceDelete{Team: "default", Name: "jobs", By: "ann"})
	s.must(err)
	s.gone("jobs")
	s.empty()
}

func TestAnInstanceIsMadeBoundUpdatedRotatedUnboundAndDeleted(t *testing.T) {
	t.Parallel()
	for name, async := range map[string][]brokertest.Kind{
		"at once": nil,
		"later":   {brokertest.Provision, brokertest.Update, brokertest.Deprovision, brokertest.Bind, brokertest.Unbind},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.broker.Async(async...)
			s.add()
			s.release(1, paas.Blue, job(nil))
			s.lead()
			s.life()
			if made := s.broker.Made(); made != 3 {
				t.Errorf("the broker made %d things for one instance and two generations", made)
			}
		})
	}
}
