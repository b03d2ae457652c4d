package service_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
)

func TestCredentialsGivenByHandReachAnAppAndChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.release(1, paas.Blue, job(nil))
	s.lead()
	user := paas.UserCredentials{Credentials: paas.NewSecret(`{"uri":"smtp://first","n":1}`), SyslogDrainURL: paas.NewSecret("syslog://x")}
	i, err := s.Create(t.Context(), paas.ServiceCreate{Team: "default", Name: "mail", Provider: paas.ProviderUser, User: user, By: "ann"})
	s.must(err)
	if !i.Drain || i.RouteURL || i.Kind != paas.KindUser {
		t.Errorf("%+v", i)
	}
	s.reaches("mail", paas.ServiceReady)
	_, err = s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "mail", Bind: paas.Bind{As: paas.AsFiles}, By: "ann"})
	s.must(err)
	b := s.bound("mail", ready)
	if b.Bind.Change != paas.ChangeNoop || b.Bind.Env != "" || b.Entries.Provider != paas.ProviderUser || b.Entries.URL != "uri" {
		t.Errorf("%+v", b)
	}
	values, err := s.vault.Binding(t.Context(), b)
	if err != nil || values["uri"] != "smtp://first" || values["n"] != "1" || values[paas.CredentialsKey] == "" || len(values) != 3 {
		t.Errorf("%v, %v", values, err)
	}

	// The app follows the team's variable.
	s.rendered(job(map[string][]int{"mail": {}}))
	path := paas.GenerationsVariable
	s.nomad.set(path, map[string]string{"shop--mail": "1"})
	user.Credentials = paas.NewSecret(`{"uri":"smtp://second"}`)
	_, err = s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "mail", User: &user, By: "ann"})
	s.must(err)
	b = s.bound("mail", func(b paas.Binding) bool { return b.Generation == 2 && strings.Contains(b.Reason, "not been told") })
	if !slices.Equal(b.Retiring, []int{1}) {
		t.Errorf("%+v", b)
	}
	if values, err := s.vault.Binding(t.Context(), b); err != nil || values["uri"] != "smtp://second" {
		t.Errorf("%v, %v", values, err)
	}
	s.nomad.set(path, map[string]string{"shop--mail": "2"})
	s.bound("mail", func(b paas.Binding) bool { return len(b.Retiring) == 0 })
	if _, err := s.vault.get(pathOf(b), 1); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("the first credentials are in Vault: %v", err)
	}
	if causes := s.deployer.asked(); slices.ContainsFunc(causes, func(c string) bool { return strings.HasPrefix(c, "rotate") }) {
		t.Errorf("files were carried by a walk: %v", causes)
	}
}

func TestAKeyIsShownToWhoAsksAndThatIsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	k := paas.ServiceKey{Team: "default", Instance: "jobs", Name: "admin", By: "ann"}
	_, err := s.ShowKey(t.Context(), k)
	s.code(err, paas.NotFound, "admin")
	_, err = s.CreateKey(t.Context(), k)
	s.must(err)
	_, err = s.CreateKey(t.Context(), k)
	s.code(err, paas.Conflict, "admin")
	var shown paas.KeyCredentials
	until(t, "the key is ready", func() bool { shown, err = s.ShowKey(t.Context(), k); return err == nil })
	if _, ids := s.broker.Has(); len(ids) != 1 || shown.Values["password"].Reveal() != "pw-"+ids[0] {
		t.Errorf("shown: %v of %v", shown, ids)
	}
	events, err := s.store.Events(t.Context(), paas.EventFilter{Team: "default", Limit: 1000})
	s.must(err)
	if !slices.ContainsFunc(events, func(e paas.Event) bool { return strings.Contains(e.Message, "was shown to ann.") && e.By == "ann" }) {
		t.Errorf("nobody was told: %v", events)
	}
	if text, _ := json.Marshal(events); strings.Contains(string(text), "pw-") {
		t.Errorf("a password is in %s", text)
	}
	_, err = s.Delete(t.Context(), paas.ServiceDelete{Team: "default", Name: "jobs"})
	s.code(err, paas.Conflict, "key admin")
	already, err := s.DeleteKey(t.Context(), k)
	if already || err != nil {
		t.Errorf("%t, %v", already, err)
	}
	until(t, "the key is gone", func() bool { keys, err := s.Keys(t.Context(), "default", "jobs"); return err == nil && len(keys) == 0 })
	if already, err = s.DeleteKey(t.Context(), k); !already || err != nil {
		t.Errorf("deleted twice: %t, %v", already, err)
	}
	_, err = s.Delete(t.Context(), paas.ServiceDelete{Team: "default", Name: "jobs"})
	s.must(err)
	s.gone("jobs")
	s.empty()
}

func TestASealedVaultLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(nil))
	s.lead()
	s.create("jobs", "small")
	s.reaches("jobs", paas.ServiceReady)
	s.vault.seal(true)
	_, err := s.Create(t.Context(), paas.ServiceCreate{Team: "default", Name: "other", Offering: "queue", Plan: "small", Parameters: paas.NewSecret(`{"owner":"x"}`)})
	s.code(err, paas.Unavailable, "sealed")
	if _, there := s.instance("other"); there {
		t.Error("an instance was half made")
	}
	_, err = s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"}) // a wish, which needs no Vault
	s.must(err)
	b := s.bound("jobs", func(b paas.Binding) bool { return strings.Contains(b.Reason, "sealed") })
	if b.State != paas.BindingPending || s.broker.Made() != 1 {
		t.Errorf("%+v; made %d", b, s.broker.Made())
	}
	s.vault.seal(false)
	s.bound("jobs", ready)

	// Sealed between the broker's answer and the write: that binding is ended, and another one made.
	s.broker.On(brokertest.Bind, func(w answerWriter, r *request) { s.vault.seal(true); s.broker.Honest(brokertest.Bind)(w, r) }, s.broker.Honest(brokertest.Bind))
	_, err = s.Rotate(t.Context(), paas.ServiceRotate{Team: "default", App: "shop", Name: "jobs"})
	s.must(err)
	until(t, "the answer came", func() bool { return s.broker.Made() == 3 })
	s.vault.seal(false)
	b = s.bound("jobs", func(b paas.Binding) bool { return b.Generation > 1 })
	until(t, "the lost binding has ended", func() bool {
		_, ids := s.broker.Has()
		issued := []string{}
		for _, i := range b.Issued {
			issued = append(issued, i.ID)
		}
		slices.Sort(issued)
		return slices.Equal(ids, issued)
	})
	if len(b.Issued) != 2 {
		t.Errorf("%+v", b.Issued)
	}
}

func TestWhatCantBeIsRefusedWithTheNextStep(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(nil))
	create := func(change func(*paas.ServiceCreate)) error {
		r := paas.ServiceCreate{Team: "default", Name: "jobs", Offering: "queue", Plan: "small", By: "ann"}
		change(&r)
		_, err := s.Create(t.Context(), r)
		return err
	}
	s.code(create(func(r *paas.ServiceCreate) { r.Name = "a/b" }), paas.Invalid, `"a/b"`)
	s.code(create(func(r *paas.ServiceCreate) { r.Name = "" }), paas.Invalid, "empty")
	s.code(create(func(r *paas.ServiceCreate) { r.Name = strings.Repeat("a", 38) }), paas.Invalid, "37")
	s.code(create(func(r *paas.ServiceCreate) { r.Offering = "stack" }), paas.NotFound, `"stack"`, "services catalog")
	s.code(create(func(r *paas.ServiceCreate) { r.Plan = "huge" }), paas.NotFound, `"huge"`)
	s.code(create(func(r *paas.ServiceCreate) { r.Plan = "" }), paas.Invalid, "small, large and mute")
	s.code(create(func(r *paas.ServiceCreate) { r.Provider = "nobody" }), paas.NotFound, `"nobody"`)
	s.code(create(func(r *paas.ServiceCreate) { r.Parameters = paas.NewSecret(`{"size":"planted-big"}`) }), paas.Invalid)
	s.code(create(func(r *paas.ServiceCreate) { r.Parameters = paas.NewSecret(`[1]`) }), paas.Invalid, "JSON object")
	s.code(create(func(r *paas.ServiceCreate) { r.User.Credentials = paas.NewSecret(`{}`) }), paas.Invalid, "by hand")
	s.code(create(func(r *paas.ServiceCreate) { r.Provider, r.Offering, r.Plan = paas.ProviderUser, "", "" }), paas.Invalid, "no credentials")
	s.code(create(func(r *paas.ServiceCreate) {
		r.Provider, r.Offering, r.Plan, r.User.Credentials = paas.ProviderUser, "", "", paas.NewSecret(`hunter2`)
	}), paas.Invalid, "JSON object")
	if err := create(func(r *paas.ServiceCreate) { r.Parameters = paas.NewSecret(`{"size":"planted-big"}`) }); strings.Contains(err.Error(), "planted-big") {
		t.Errorf("a parameter is in %v", err)
	}
	if left := s.vault.left(); len(left) != 0 {
		t.Errorf("what was refused left %v", left)
	}
	s.lead()
	s.create("jobs", "small")
	s.create("dumb", "mute")
	s.code(create(func(*paas.ServiceCreate) {}), paas.Conflict, `"jobs"`)
	s.reaches("jobs", paas.ServiceReady)
	s.reaches("dumb", paas.ServiceReady)
	bind := func(change func(*paas.ServiceBind)) error {
		r := paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs", By: "ann"}
		change(&r)
		_, err := s.Bind(t.Context(), r)
		return err
	}
	s.code(bind(func(r *paas.ServiceBind) { r.App = "nobody" }), paas.NotFound, `"nobody"`)
	s.code(bind(func(r *paas.ServiceBind) { r.Instance = "nothing" }), paas.NotFound, `"nothing"`)
	s.code(bind(func(r *paas.ServiceBind) { r.Instance = "dumb" }), paas.Invalid, "can't be bound")
	s.code(bind(func(r *paas.ServiceBind) { r.Name = "a/b" }), paas.Invalid, `"a/b"`, "--name")
	s.code(bind(func(r *paas.ServiceBind) { r.Bind.Env = "PORT" }), paas.Invalid, "PORT")
	s.code(bind(func(r *paas.ServiceBind) { r.Bind.Env = "lower-case" }), paas.Invalid, "lower-case")
	s.must(bind(func(*paas.ServiceBind) {}))
	s.bound("jobs", ready)
	s.code(bind(func(*paas.ServiceBind) {}), paas.Conflict, "there already", "rotate")
	s.code(bind(func(r *paas.ServiceBind) { r.Name, r.Bind.Env = "second", "JOBS_URL" }), paas.Conflict, "JOBS_URL", "--env")
	_, err := s.Rotate(t.Context(), paas.ServiceRotate{Team: "default", App: "shop", Name: "nothing"})
	s.code(err, paas.NotFound, `"nothing"`)
	_, err = s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs"})
	s.code(err, paas.Invalid, "Nothing")
	_, err = s.Update(t.Context(), paas.ServiceUpdate{Team: "default", Name: "jobs", Upgrade: true})
	s.code(err, paas.Invalid, "no newer version")
	s.code(s.RemoveProvider(t.Context(), "acme", "root"), paas.Conflict, "default/dumb", "default/jobs")
	s.code(s.RemoveProvider(t.Context(), "nobody", "root"), paas.NotFound, `"nobody"`)
}

func TestAProviderIsTakenWithItsCatalogOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	add := func(change func(*paas.ProviderAdd)) error {
		r := paas.ProviderAdd{Name: "acme", Kind: paas.KindBroker, URL: s.url, Username: "u", Password: paas.NewSecret("planted-password"), By: "root"}
		change(&r)
		_, err := s.AddProvider(t.Context(), r)
		if err != nil && strings.Contains(err.Error(), "planted-password") {
			t.Errorf("the password is in %v", err)
		}
		return err
	}
	s.code(add(func(r *paas.ProviderAdd) { r.Name = "a/b" }), paas.Invalid, `"a/b"`)
	s.code(add(func(r *paas.ProviderAdd) { r.Name = paas.ProviderUser }), paas.Invalid, `"user"`)
	s.code(add(func(r *paas.ProviderAdd) { r.Kind = "mysql" }), paas.Invalid, `"mysql"`)
	s.code(add(func(r *paas.ProviderAdd) { r.URL = "http://u:planted-password@h" }), paas.Invalid, "--password-file")
	s.code(add(func(r *paas.ProviderAdd) { r.URL = "planted-password" }), paas.Invalid, "can't be read")
	s.code(add(func(r *paas.ProviderAdd) { r.URL = "http://127.0.0.1:1" }), paas.Unavailable, "127.0.0.1:1")
	s.broker.On(brokertest.Catalog, brokertest.JSON(200, `{"services":[{"name":"x"}]}`))
	s.code(add(func(*paas.ProviderAdd) {}), paas.Invalid, "services.0.id")
	if all, err := s.Providers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := s.vault.Provider(t.Context(), "acme"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("the password of a provider that was refused: %v", err)
	}
	s.broker.On(brokertest.Catalog, brokertest.JSON(200, catalogText))
	s.must(add(func(r *paas.ProviderAdd) { r.URL = strings.Replace(s.url, "http://", "http://me@", 1); r.Username = "" }))
	all, err := s.Providers(t.Context())
	if err != nil || len(all) != 1 || all[0].Username != "me" || all[0].URL != s.url || len(all[0].Catalog.Offerings) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	text, err := json.Marshal(all)
	if err != nil || strings.Contains(string(text), "planted") {
		t.Errorf("%s, %v", text, err)
	}
	s.must(add(func(r *paas.ProviderAdd) { r.Password = paas.NewSecret("another-one") }))
	if values, err := s.vault.Provider(t.Context(), "acme"); err != nil || values["password"] != "another-one" {
		t.Errorf("%v, %v", values, err)
	}
	s.code(add(func(r *paas.ProviderAdd) { r.Kind = paas.KindPostgres }), paas.Conflict, "kind broker")
	offered, err := s.Catalog(t.Context())
	if err != nil || len(offered) != 1 || offered[0].Provider != "acme" || offered[0].Offering.Name != "queue" {
		t.Errorf("%+v, %v", offered, err)
	}
	s.must(s.RemoveProvider(t.Context(), "acme", "root"))
	if _, err := s.vault.Provider(t.Context(), "acme"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("the password of a provider that is gone: %v", err)
	}
}

func TestAdmissionNamesTheKeyPath(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(nil))
	s.lead()
	s.create("shared", "small")
	s.reaches("shared", paas.ServiceReady)
	other := serviceOf("blog-db")
	other.ForApp = "blog"
	s.must(s.store.SaveServices(t.Context(), 0, paas.ServiceChange{Instances: []paas.ServiceInstance{other}}))
	_, err := s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "shared", Name: "held"})
	s.must(err)
	for name, c := range map[string]struct {
		use  func(*paas.ServiceUse)
		want string // location, and words of the message
	}{
		"what can be made":               {func(*paas.ServiceUse) {}, ""},
		"an offering that is not there":  {func(u *paas.ServiceUse) { u.Offering = "stack" }, "service.jobs.offering stack"},
		"a plan that is not there":       {func(u *paas.ServiceUse) { u.Plan = "huge" }, "service.jobs.plan huge"},
		"a plan without bindings":        {func(u *paas.ServiceUse) { u.Plan = "mute" }, "service.jobs.plan can't be bound"},
		"parameters that do not fit":     {func(u *paas.ServiceUse) { u.Parameters = json.RawMessage(`{"size":"big"}`) }, "service.jobs.parameters.size"},
		"an instance that must be there": {func(u *paas.ServiceUse) { u.Offering, u.Plan, u.Instance = "", "", "nothing" }, "service.jobs.instance nothing"},
		"one that is there":              {func(u *paas.ServiceUse) { u.Offering, u.Plan, u.Instance = "", "", "shared" }, ""},
		"one of another plan":            {func(u *paas.ServiceUse) { u.Plan, u.Instance = "large", "shared" }, "service.jobs.plan services update"},
		"another app's":                  {func(u *paas.ServiceUse) { u.Offering, u.Plan, u.Instance = "", "", "blog-db" }, `service.jobs.instance "blog"`},
		"a name that is bound otherwise": {func(u *paas.ServiceUse) { u.Name = "held" }, `service.held.instance "shared"`},
		"a name with a slash":            {func(u *paas.ServiceUse) { u.Instance = "a/b" }, `service.jobs.instance "a/b"`},
	} {
		u := queue("jobs")
		c.use(&u)
		faults, err := s.Admit(t.Context(), shop, paas.Spec{Services: []paas.ServiceUse{u}}, "ann")
		s.must(err)
		location, words, _ := strings.Cut(c.want, " ")
		switch {
		case c.want == "" && len(faults) == 0:
		case c.want == "" || len(faults) != 1 || faults[0].Location != location || !strings.Contains(faults[0].Message, words):
			t.Errorf("%s: %v, want %q", name, faults, c.want)
		}
	}
}

func serviceOf(name string) paas.ServiceInstance {
	return paas.ServiceInstance{
		ID: "i-" + name, Team: "default", Name: name, Kind: paas.KindBroker, Provider: "acme", Offering: "queue", OfferingID: "o1", Plan: "small", PlanID: "p1",
		State: paas.ServiceReady,
	}
}

// Of many who wish at once one is heard, and the others are told; nothing is made twice.
func TestOfManyWhoWishAtOnceOneIsHeard(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	s.release(1, paas.Blue, job(nil))
	s.lead()
	many := func(wish func() error) {
		t.Helper()
		codes := make([]paas.Code, 8)
		var all sync.WaitGroup
		for n := range codes {
			all.Go(func() { codes[n] = paas.CodeOf(wish()) })
		}
		all.Wait()
		heard := 0
		for _, code := range codes {
			if code == "" {
				heard++
			} else if code != paas.Conflict {
				t.Errorf("one was told %q", code)
			}
		}
		if heard != 1 {
			t.Errorf("%d were heard: %v", heard, codes)
		}
	}
	many(func() error {
		_, err := s.Create(t.Context(), paas.ServiceCreate{Team: "default", Name: "jobs", Offering: "queue", Plan: "small"})
		return err
	})
	s.reaches("jobs", paas.ServiceReady)
	many(func() error {
		_, err := s.Bind(t.Context(), paas.ServiceBind{Team: "default", App: "shop", Instance: "jobs"})
		return err
	})
	s.bound("jobs", ready)
	s.broker.On(brokertest.Bind, brokertest.Hang()) // so that one rotation is still under way when the last is wished for
	many(func() error {
		_, err := s.Rotate(t.Context(), paas.ServiceRotate{Team: "default", App: "shop", Name: "jobs"})
		return err
	})
	if made := s.broker.Made(); made != 2 {
		t.Errorf("made %d", made)
	}
}

// A server that leads no longer can note nothing, and its successor ends what it had begun.
func TestOfTwoServersOnlyTheOneThatLeadsIsBelieved(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	asked := make(chan struct{}, 1)
	goOn := make(chan struct{})
	s.broker.On(brokertest.Provision, func(w answerWriter, r *request) {
		asked <- struct{}{}
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		s.broker.Honest(brokertest.Provision)(w, r)
	}, s.broker.Honest(brokertest.Provision))
	s.lead() // the first
	s.create("jobs", "small")
	<-asked
	began, err := s.store.ServiceDetail(t.Context(), "default", "jobs")
	s.must(err)
	second := service.New(s.cfg)
	s.Services = second
	s.lead()
	i := s.reaches("jobs", paas.ServiceReady)
	if i.ID == began.Instance.ID {
		t.Error("an id of which nobody knows what came was used again")
	}
	close(goOn) // the first gets its answer now
	until(t, "what the first had made is gone", func() bool {
		instances, _ := s.broker.Has()
		return slices.Equal(instances, []string{i.ID})
	})
	now, _ := s.instance("jobs")
	if now.ID != i.ID || now.State != paas.ServiceReady {
		t.Errorf("%+v", now)
	}
}
