package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// binding is an app that shows its variables, and any file below SERVICE_BINDING_ROOT.
const binding = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		env := map[string]string{}
		for _, kv := range os.Environ() {
			name, value, _ := strings.Cut(kv, "=")
			env[name] = value
		}
		json.NewEncoder(w).Encode(env)
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(filepath.Join(os.Getenv("SERVICE_BINDING_ROOT"), r.URL.Query().Get("of")))
		if err != nil {
			http.Error(w, "none", 404)
			return
		}
		w.Write(text)
	})
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

const servicesSpec = `app "bound" {
  service "jobs" {
    offering = "queue"
    plan     = "small"
    bind {
      vcap = true
    }
  }
  process "web" {
    command        = ["./binding"]
    min_healthy    = "1s"
    shutdown_delay = "1s"
    port "http" {}
  }
}
`

const brokerCatalog = `{"services":[{"id":"o1","name":"queue","description":"Queues","bindable":true,"bindings_retrievable":true,"plan_updateable":true,"tags":["amqp"],
	"plans":[{"id":"p1","name":"small","description":"A small one","binding_rotatable":true},{"id":"p2","name":"large","description":"A large one"}]}]}`

// planted begins every password that the broker of the test gives.
const planted = "pw-planted-"

// TestServices: a broker is registered, an app that names one of its services is pushed and sees credentials of
// its own as a variable, as Cloud Foundry has them and as files; they are replaced without a failed request,
// ended by hand, and come back with the next push; credentials given by hand change under the running app; and
// in the end the broker has nothing that nobody knows of.
func TestServices(t *testing.T) {
	t.Parallel()
	keeper := brokertest.Keep(brokerCatalog, func(id string) string {
		return fmt.Sprintf(`{"uri":"amqp://user:%s%s@broker.invalid/","password":"%s%s"}`, planted, id, planted, id)
	})
	keeper.Async(brokertest.Provision, brokertest.Bind, brokertest.Unbind, brokertest.Deprovision)
	web := httptest.NewServer(keeper)
	t.Cleanup(web.Close)
	d := startDev(t)
	s := &services{dev: d, broker: keeper, dir: t.TempDir()}
	write(t, filepath.Join(s.dir, "main.go"), binding)
	write(t, filepath.Join(s.dir, "go.mod"), "module binding\n\ngo 1.24\n")
	write(t, filepath.Join(s.dir, "crumpet.hcl"), servicesSpec)
	write(t, filepath.Join(s.dir, "password"), "broker-password-planted")
	write(t, filepath.Join(s.dir, "mail.json"), `{"uri":"smtp://u:first-planted@mail.invalid","host":"mail.invalid"}`)

	// Before there is a provider the push is refused, and nothing is half done.
	if r := d.cli(s.dir, "push"); r.code == 0 || !strings.Contains(r.errOut, `No service is called "queue"`) {
		t.Errorf("push without a provider: %s", r)
	}
	d.ok(s.dir, "providers", "add", "broker", "acme", "--url", web.URL, "--username", "crumpet", "--password-file", "password")
	if out := d.ok(s.dir, "services", "catalog"); !strings.Contains(out, "queue") || !strings.Contains(out, "acme") {
		t.Errorf("catalog: %s", out)
	}
	d.ok(s.dir, "push")
	first := s.sees("JOBS_URL")
	if id := s.only(); !strings.Contains(first, planted+id) {
		t.Errorf("JOBS_URL is %q, the broker has binding %s", first, id)
	}
	if got := s.file("jobs/uri"); got != first || s.file("jobs/type") != "queue" || s.file("jobs/provider") != "acme" {
		t.Errorf("files: %q, %q, %q", got, s.file("jobs/type"), s.file("jobs/provider"))
	}
	s.vcap(first)

	s.byHand()
	s.rotated(first)
	s.unbound()
	s.quiet()

	// The end: bindings go with the app, instances when they are deleted.
	d.ok(s.dir, "destroy", "bound", "--yes")
	d.until(30*time.Second, "the bindings of the app are gone", func() bool { return len(s.bindings()) == 0 })
	for _, name := range []string{"bound-jobs", "mail"} {
		d.ok(s.dir, "services", "delete", name, "--confirm", name)
	}
	instances, bindings := keeper.Has()
	if len(instances)+len(bindings) > 0 {
		t.Errorf("orphans: %v, %v", instances, bindings)
	}
	d.ok(s.dir, "providers", "remove", "acme")
}

type services struct {
	*dev
	broker *brokertest.Keeper
	dir    string
}

func (s *services) env() map[string]string {
	s.t.Helper()
	env := map[string]string{}
	code, text := s.page("bound.localhost", "/")
	if code != http.StatusOK || json.Unmarshal([]byte(text), &env) != nil {
		s.t.Fatalf("the app answers %d", code)
	}
	return env
}

func (s *services) sees(name string) string {
	s.t.Helper()
	value := s.env()[name]
	if value == "" {
		s.t.Fatalf("the app has no %s", name)
	}
	return value
}

func (s *services) file(of string) string {
	s.t.Helper()
	code, text := s.page("bound.localhost", "/file?of="+of)
	if code == http.StatusNotFound {
		return ""
	}
	return text
}

// only gives the id of the one binding that the broker has.
func (s *services) only() string {
	s.t.Helper()
	_, bindings := s.broker.Has()
	if len(bindings) != 1 {
		s.t.Fatalf("the broker has bindings %v", bindings)
	}
	return bindings[0]
}

func (s *services) bindings() []paas.Binding {
	s.t.Helper()
	var all []paas.Binding
	for _, name := range []string{"bound-jobs", "mail"} {
		var shown struct{ Bindings []paas.Binding }
		s.json(&shown, s.dir, "services", "show", name)
		all = append(all, shown.Bindings...)
	}
	return all
}

func (s *services) vcap(uri string) {
	s.t.Helper()
	var all map[string][]struct {
		Name, Label, Plan string
		InstanceName      string `json:"instance_name"`
		Tags              []string
		Credentials       map[string]string
	}
	if err := json.Unmarshal([]byte(s.sees("VCAP_SERVICES")), &all); err != nil {
		s.t.Fatal(err)
	}
	one := all["queue"]
	if len(one) != 1 || one[0].Credentials["uri"] != uri || one[0].Plan != "small" || !slices.Equal(one[0].Tags, []string{"amqp"}) {
		s.t.Errorf("VCAP_SERVICES: %d of queue, plan and tags %+v", len(one), all)
	}
}

// byHand makes credentials given by hand, binds them as files, and changes them under the running app.
func (s *services) byHand() {
	s.t.Helper()
	s.ok(s.dir, "services", "create", "mail", "--credentials-file", "mail.json")
	s.ok(s.dir, "services", "bind", "mail", "--app", "bound", "--as", "files")
	if got := s.file("mail/uri"); got != "smtp://u:first-planted@mail.invalid" {
		s.t.Fatalf("mail/uri is %q", got)
	}
	if _, has := s.env()["MAIL_URL"]; has {
		s.t.Error("a binding as files set a variable")
	}
	pid := s.instanceIDs()
	write(s.t, filepath.Join(s.dir, "mail.json"), `{"uri":"smtp://u:second-planted@mail.invalid","host":"mail.invalid"}`)
	s.ok(s.dir, "services", "update", "mail", "--credentials-file", "mail.json")
	s.until(time.Minute, "the new credentials are in the file", func() bool { return s.file("mail/uri") == "smtp://u:second-planted@mail.invalid" })
	if now := s.instanceIDs(); !slices.Equal(now, pid) {
		s.t.Errorf("files changed, and the instances with them: %v, %v", pid, now)
	}
}

// instanceIDs are those of the allocations that run.
func (s *services) instanceIDs() []string {
	s.t.Helper()
	var ids []string
	for _, i := range s.status("bound").Instances {
		if i.State == string(paas.InstanceRunning) {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// rotated replaces the credentials of the variable under load: no request fails, and the old ones end.
func (s *services) rotated(first string) {
	s.t.Helper()
	rounds := 1
	if proving {
		rounds = 5
	}
	l := startLoad(s.t, s.info.Router, "bound.localhost", 50, 100_000)
	for range rounds {
		before := s.only()
		s.ok(s.dir, "services", "rotate", "bound-jobs", "--app", "bound")
		s.until(2*time.Minute, "the old binding has ended", func() bool {
			_, bindings := s.broker.Has()
			return len(bindings) == 1 && bindings[0] != before
		})
		if got := s.sees("JOBS_URL"); got == first || !strings.Contains(got, planted+s.only()) {
			s.t.Errorf("after a rotation JOBS_URL is %q", got)
		}
	}
	l.end(s.t)
}

// unbound ends a binding by hand, twice, and has the next push bring it back.
func (s *services) unbound() {
	s.t.Helper()
	if r := s.cli(s.dir, "services", "delete", "bound-jobs", "--confirm", "bound-jobs"); r.code == 0 || !strings.Contains(r.errOut, "bound") {
		s.t.Errorf("deleted while it is bound: %s", r)
	}
	began := time.Now()
	s.ok(s.dir, "services", "unbind", "bound-jobs", "--app", "bound")
	_, bindings := s.broker.Has()
	if len(bindings) != 0 {
		s.t.Errorf("after %s the broker still has %v", time.Since(began), bindings)
	}
	s.until(time.Minute, "the app has the variable no longer", func() bool { _, has := s.env()["JOBS_URL"]; return !has })
	if r := s.cli(s.dir, "services", "unbind", "bound-jobs", "--app", "bound"); r.code != 0 {
		s.t.Errorf("unbound twice: %s", r)
	}
	s.ok(s.dir, "push")
	if got := s.sees("JOBS_URL"); !strings.Contains(got, planted+s.only()) {
		s.t.Errorf("pushed again JOBS_URL is %q", got)
	}
}

// quiet: nothing that opens a door was said.
func (s *services) quiet() {
	s.t.Helper()
	events := s.ok(s.dir, "events", "bound", "-n", "1000")
	for _, kind := range []string{"rotat", "ended"} {
		if !strings.Contains(events, kind) {
			s.t.Errorf("no event tells of what was %s:\n%s", kind, events)
		}
	}
	for _, secret := range []string{planted, "broker-password-planted", "first-planted", "second-planted"} {
		leaks(s.t, "a credential", secret, "events", events)
		leaks(s.t, "a credential", secret, "what dev says", s.out.String())
		for _, name := range []string{"bound-jobs", "mail"} {
			leaks(s.t, "a credential", secret, "services show", s.ok(s.dir, "services", "show", name, "--json"))
		}
		leaks(s.t, "a credential", secret, "providers show", s.ok(s.dir, "providers", "show", "acme", "--json"))
	}
}
