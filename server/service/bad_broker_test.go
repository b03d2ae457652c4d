package service_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Whatever a broker answers to a create, in the end the instance is there, and nothing else is.
func TestABrokerThatMisbehavesOnceLeavesOneInstance(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]brokertest.Answer{
		"garbage":                         brokertest.Raw(201, "text/html", "<h1>"),
		"500":                             brokertest.JSON(500, `{"description":"oops"}`),
		"410":                             brokertest.JSON(410, `{}`), // no answer to a create
		"a hanging line":                  brokertest.Hang(),
		"100 MB":                          brokertest.Huge(201, 100<<20),
		"a cut body":                      brokertest.Cut(201, `{"dashboard_url":"http`),
		"no HTTP":                         brokertest.Bytes("hello\r\n\r\n"),
		"a redirect":                      brokertest.With("Location", "/elsewhere", brokertest.Raw(302, "", "")),
		"busy":                            brokertest.JSON(422, `{"error":"ConcurrencyError"}`),
		"too many":                        brokertest.With("Retry-After", "1", brokertest.JSON(429, `{}`)),
		"a status of 200 that is garbage": brokertest.Raw(200, "application/json", `[]`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.add()
			made := func(w http.ResponseWriter, r *http.Request) { // it does it, and then answers badly
				s.broker.Honest(brokertest.Provision)(discard{}, r)
				bad(w, r)
			}
			s.broker.On(brokertest.Provision, made, s.broker.Honest(brokertest.Provision))
			s.lead()
			s.create("jobs", "small")
			if name == "410" { // a definite no
				i := s.reaches("jobs", paas.ServiceFailed)
				if !strings.Contains(i.Reason, "gone") {
					t.Errorf("reason: %s", i.Reason)
				}
				return
			}
			i := s.reaches("jobs", paas.ServiceReady)
			until(t, "only the one instance is left", func() bool {
				instances, _ := s.broker.Has()
				return slices.Equal(instances, []string{i.ID})
			})
		})
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

func TestABrokerThatIsAwayAndBackIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	all, err := s.Providers(t.Context())
	s.must(err)
	good := all[0].URL
	_, err = s.AddProvider(t.Context(), paas.ProviderAdd{Name: "acme", Kind: paas.KindBroker, URL: "http://127.0.0.1:1", Username: "u", Password: paas.NewSecret("p")})
	s.code(err, paas.Unavailable, "127.0.0.1:1") // it stays as it was
	p := all[0]
	p.URL = "http://127.0.0.1:1" // it goes away
	s.must(s.store.SaveServices(t.Context(), 0, paas.ServiceChange{Providers: []paas.Provider{p}}))
	s.lead()
	s.create("jobs", "small")
	until(t, "why it waits is shown", func() bool {
		d, err := s.Show(t.Context(), "default", "jobs")
		s.must(err)
		return strings.Contains(d.Instance.Reason, "can't be reached") && len(d.Operations) == 1 && d.Operations[0].Attempt > 6
	})
	s.clock.pass(time.Hour)
	all, err = s.Providers(t.Context())
	s.must(err)
	p = all[0]
	p.URL = good
	s.must(s.store.SaveServices(t.Context(), 0, paas.ServiceChange{Providers: []paas.Provider{p}}))
	s.clock.pass(10 * time.Minute)
	i := s.reaches("jobs", paas.ServiceReady)
	if i.Reason != "" || s.broker.Made() != 1 {
		t.Errorf("%+v; made %d", i, s.broker.Made())
	}
}

func TestABindingThatBreaksARuleIsEndedAgain(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a drain that was not declared":  `{"credentials":{},"syslog_drain_url":"syslog://x"}`,
		"credentials that are no object": `{"credentials":["x"]}`,
		"a route service not declared":   `{"credentials":{},"route_service_url":"https://x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.add()
			s.release(1, paas.Blue, job(nil))
			s.broker.On(brokertest.Bind, func(w http.ResponseWriter, r *http.Request) {
				s.broker.Honest(brokertest.Bind)(discard{}, r)
				brokertest.JSON(201, body)(w, r)
			})
			s.lead()
			s.create("jobs", "small")
			s.reaches("jobs", paas.ServiceReady)
			_, err := s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"})
			s.must(err)
			b := s.bound("jobs", func(b paas.Binding) bool { return b.State == paas.BindingFailed })
			if b.Generation != 0 || b.Reason == "" {
				t.Errorf("%+v", b)
			}
			until(t, "the broker has no binding", func() bool { _, bindings := s.broker.Has(); return len(bindings) == 0 })
			if left := s.vault.left(); len(left) > 0 {
				t.Errorf("left in Vault: %v", left)
			}
		})
	}
}

func TestWhatABrokerRepeatsIsNotKept(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.broker.On(brokertest.Provision, brokertest.JSON(400, `{"description":"owner hunter2-planted is unknown"}`))
	s.lead()
	_, err := s.Create(t.Context(), paas.ServiceCreate{Team: "default", Name: "jobs", Offering: "queue", Plan: "small", Parameters: paas.NewSecret(`{"owner":"hunter2-planted"}`), By: "ann"})
	s.must(err)
	i := s.reaches("jobs", paas.ServiceFailed)
	if i.Reason == "" {
		t.Error("no reason")
	}
	d, err := s.Show(t.Context(), "default", "jobs")
	s.must(err)
	events, err := s.store.Events(t.Context(), paas.EventFilter{Platform: true, Limit: 1000})
	s.must(err)
	all, err := json.Marshal([]any{d, events})
	s.must(err)
	if strings.Contains(string(all), "hunter2-planted") {
		t.Errorf("a parameter is in %s", all)
	}
	if body := s.broker.Last().Body; s.broker.Last().Kind == brokertest.Provision && !strings.Contains(body, "hunter2-planted") {
		t.Errorf("the broker did not get it: %s", body)
	}
}

func TestABrokerIsToldWhoWantsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	for _, asked := range s.broker.Asked() {
		if asked.Kind != brokertest.Provision {
			continue
		}
		platform, text, _ := strings.Cut(asked.Header.Get("X-Broker-API-Originating-Identity"), " ")
		user, err := base64.StdEncoding.DecodeString(text)
		if platform != "crumpet" || err != nil || string(user) != `{"name":"ann"}` {
			t.Errorf("identity: %q %s", platform, user)
		}
		return
	}
	t.Error("the broker was not asked")
}

func TestAPlanThatVanishedKeepsWhatThereIs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(nil))
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	_, err := s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"})
	s.must(err)
	s.bound("jobs", ready)
	s.broker.On(brokertest.Catalog, brokertest.JSON(200, strings.ReplaceAll(catalogText, `"p1"`, `"p9"`)))
	_, err = s.RefreshProvider(t.Context(), "acme", "root")
	s.must(err)
	if i, _ := s.instance("jobs"); !i.Vanished || i.State != paas.ServiceReady {
		t.Errorf("%+v", i)
	}
	_, err = s.CreateKey(t.Context(), paas.ServiceKey{Team: "default", Instance: "jobs", Name: "admin"})
	s.code(err, paas.Conflict, "small", "no longer in the catalog")
	_, err = s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs", Plan: "large"})
	s.code(err, paas.Conflict, "no longer in the catalog")
	_, err = s.Rotate(t.Context(), paas.ServiceRotate{Team: "default", App: "shop", Name: "jobs"})
	s.code(err, paas.Conflict, "no longer in the catalog")
	if b, _ := s.binding("jobs"); !ready(b) {
		t.Errorf("the binding: %+v", b)
	}
	_, err = s.Unbind(t.Context(), paas.ServiceUnbind{Team: "default", App: "shop", Name: "jobs"})
	s.must(err)
	until(t, "unbound", func() bool { _, there := s.binding("jobs"); return !there })
	_, err = s.Delete(t.Context(), paas.ServiceDelete{Team: "default", Name: "jobs"})
	s.must(err)
	s.gone("jobs")
	s.empty()
}

func TestAFailedUpdateSaysWhetherTheInstanceStillWorks(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	s.broker.On(brokertest.Update, brokertest.JSON(400, `{"description":"broken now","instance_usable":false}`), brokertest.JSON(200, `{}`))
	_, err := s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs", Plan: "large"})
	s.must(err)
	until(t, "the update has failed", func() bool { i, _ := s.instance("jobs"); return i.State == paas.ServiceReady && i.Unusable })
	i, _ := s.instance("jobs")
	if i.Plan != "small" || !strings.Contains(i.Reason, "broken now") {
		t.Errorf("%+v", i)
	}
	_, err = s.CreateKey(t.Context(), paas.ServiceKey{Team: "default", Instance: "jobs", Name: "admin"})
	s.code(err, paas.Conflict, "can't be bound")
	_, err = s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs", Plan: "large"})
	s.must(err)
	until(t, "it works again", func() bool { i, _ := s.instance("jobs"); return i.Plan == "large" && !i.Unusable })
}

func TestADeletionThatTheBrokerRefusesGivesTheInstanceBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	s.broker.On(brokertest.Deprovision, brokertest.JSON(422, `{"description":"it is protected"}`), brokertest.JSON(500, `{}`), brokertest.Hang(), s.broker.Honest(brokertest.Deprovision))
	_, err := s.Delete(t.Context(), paas.ServiceDelete{Team: "default", Name: "jobs"})
	s.must(err)
	until(t, "it is back", func() bool {
		i, _ := s.instance("jobs")
		return i.State == paas.ServiceReady && strings.Contains(i.Reason, "it is protected")
	})
	_, err = s.Delete(t.Context(), paas.ServiceDelete{Team: "default", Name: "jobs"})
	s.must(err)
	s.gone("jobs")
	s.empty()
}

func TestARotationThatFailsIsNotTriedWithoutPause(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(map[string][]int{"jobs": {1}}))
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	expires := s.clock.now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	s.broker.On(brokertest.Bind, brokertest.JSON(201, `{"credentials":{"uri":"x"},"metadata":{"expires_at":"`+expires+`"}}`), brokertest.JSON(400, `{"description":"no more"}`))
	_, err := s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"})
	s.must(err)
	s.bound("jobs", ready)
	binds := func() (n int) {
		for _, asked := range s.broker.Asked() {
			if asked.Kind == brokertest.Bind {
				n++
			}
		}
		return n
	}
	if n := binds(); n != 1 {
		t.Errorf("bound %d times", n)
	}
	s.clock.pass(time.Hour) // half of their life
	b := s.bound("jobs", func(b paas.Binding) bool { return strings.Contains(b.Reason, "no more") })
	if b.State != paas.BindingReady || b.Generation != 1 {
		t.Errorf("%+v", b)
	}
	due := b.Issued[0].RenewBefore
	if until := due.Sub(s.clock.now()); until > 10*time.Minute || binds() > 3 { // far more, were it asked in each turn
		t.Errorf("tried again %s from now; bound %d times", until, binds())
	}
	s.clock.pass(10 * time.Minute)
	until(t, "it is tried again", func() bool { return binds() >= 3 })
}
