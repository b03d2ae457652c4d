package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// withShop is a platform with a running app called shop.
func withShop(t *testing.T) (*apitest.Platform, caller) {
	t.Helper()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	c := caller{server.URL, document(t, server.URL)}
	c.call(t, "POST", "/v1/apps/{app}/releases", "/v1/apps/shop/releases", releaseBody(t, shopSpec, nil), 202)
	return platform, c
}

func TestAnswersAboutServicesAreAsDocumented(t *testing.T) {
	t.Parallel()
	_, c := withShop(t)
	one := "/v1/services/{service}"

	c.call(t, "GET", "/v1/service-offerings", "/v1/service-offerings", "", 200)
	c.call(t, "GET", "/v1/services", "/v1/services", "", 200)
	c.call(t, "POST", "/v1/services", "/v1/services", `{"name":"db","offering":"postgres","plan":"small","parameters":{"size":3}}`, 202)
	c.call(t, "POST", "/v1/services", "/v1/services", `{"name":"mail","credentials":{"uri":"smtp://x"},"syslog_drain_url":"syslog://x","route_service_url":"https://x"}`, 202)
	c.call(t, "GET", one, "/v1/services/db", "", 200) // being made
	c.call(t, "PATCH", one, "/v1/services/db", `{"plan":"large"}`, 202)
	c.call(t, "POST", one+"/bindings", "/v1/services/db/bindings", `{"app":"shop","as":"files","signal":"SIGHUP"}`, 202)
	c.call(t, "GET", one+"/bindings", "/v1/services/db/bindings", "", 200)
	c.call(t, "POST", one+"/rotate", "/v1/services/db/rotate", `{"app":"shop"}`, 202)
	c.call(t, "GET", one, "/v1/services/db", "", 200)
	c.call(t, "GET", "/v1/services", "/v1/services", "", 200)
	c.call(t, "GET", "/v1/apps/{app}/status", "/v1/apps/shop/status", "", 200)
	c.call(t, "POST", one+"/keys", "/v1/services/db/keys", `{"name":"anna"}`, 202)
	c.call(t, "GET", one+"/keys", "/v1/services/db/keys", "", 200)
	c.call(t, "GET", one+"/keys/{key}", "/v1/services/db/keys/anna", "", 200)
	c.call(t, "DELETE", one+"/keys/{key}", "/v1/services/db/keys/anna", "", 202)
	c.call(t, "DELETE", one+"/bindings/{app}", "/v1/services/db/bindings/shop", "", 202)
	c.call(t, "DELETE", one+"/bindings/{app}", "/v1/services/db/bindings/shop?name=db", "", 202)
	c.call(t, "DELETE", one, "/v1/services/db", "", 202)

	c.call(t, "GET", "/v1/providers", "/v1/providers", "", 200)
	c.call(t, "POST", "/v1/providers", "/v1/providers", `{"name":"main","kind":"postgres","url":"postgres://admin@db/postgres","password":"x"}`, 200)
	c.call(t, "GET", "/v1/providers/{provider}", "/v1/providers/main", "", 200)
	c.call(t, "POST", "/v1/providers/{provider}/refresh", "/v1/providers/main/refresh", "", 200)
	c.call(t, "DELETE", "/v1/providers/{provider}", "/v1/providers/main", "", 200)
}

func TestWhatCantBeMeantOfServicesIsRefused(t *testing.T) {
	t.Parallel()
	platform, c := withShop(t)
	c.call(t, "POST", "/v1/services", "/v1/services", `{"name":"db","offering":"postgres","plan":"small"}`, 202)
	bound := `{"name":"acme","kind":"broker","url":"https://broker",`
	for name, r := range map[string]struct {
		method, path, body string
		status             int
		location           string
	}{
		"a name with a slash":          {"POST", "/v1/services", `{"name":"a/b","offering":"postgres","plan":"small"}`, 422, "body.name"},
		"a slash in the path":          {"GET", "/v1/services/a%2Fb", "", 422, "path.service"},
		"neither of the two":           {"POST", "/v1/services", `{"name":"more"}`, 422, "body"},
		"both of the two":              {"POST", "/v1/services", `{"name":"more","offering":"postgres","credentials":{"a":"b"}}`, 422, "body"},
		"a plan of no offering":        {"POST", "/v1/services", `{"name":"more","plan":"small"}`, 422, "body.offering"},
		"credentials of a provider":    {"POST", "/v1/services", `{"name":"more","provider":"dev","credentials":{"a":"b"}}`, 422, "body.provider"},
		"parameters that are no list":  {"POST", "/v1/services", `{"name":"more","offering":"postgres","plan":"small","parameters":[1]}`, 422, "body.parameters"},
		"credentials that are a text":  {"POST", "/v1/services", `{"name":"more","credentials":"hunter2"}`, 422, "body.credentials"},
		"an unknown offering":          {"POST", "/v1/services", `{"name":"more","offering":"postgers","plan":"small"}`, 404, ""},
		"a name twice":                 {"POST", "/v1/services", `{"name":"db","offering":"postgres","plan":"small"}`, 409, ""},
		"a change of nothing":          {"PATCH", "/v1/services/db", `{}`, 422, "body"},
		"a change of what is not":      {"PATCH", "/v1/services/ghost", `{"plan":"small"}`, 404, ""},
		"an app of no name":            {"POST", "/v1/services/db/bindings", `{"app":"A/B"}`, 422, "body.app"},
		"an app that is not":           {"POST", "/v1/services/db/bindings", `{"app":"ghost"}`, 404, ""},
		"a binding with a slash":       {"POST", "/v1/services/db/bindings", `{"app":"shop","name":"a/b"}`, 422, "body.name"},
		"variables of files":           {"POST", "/v1/services/db/bindings", `{"app":"shop","as":"files","vcap":true}`, 422, "body.as"},
		"a signal for variables":       {"POST", "/v1/services/db/bindings", `{"app":"shop","signal":"SIGHUP"}`, 422, "body.signal"},
		"a way that is not":            {"POST", "/v1/services/db/bindings", `{"app":"shop","as":"mail"}`, 422, "body.as"},
		"a key with a slash":           {"POST", "/v1/services/db/keys", `{"name":"a/b"}`, 422, "path.key"},
		"a rotation of nothing":        {"POST", "/v1/services/db/rotate", `{}`, 409, ""},
		"a rotation of what is not":    {"POST", "/v1/services/db/rotate", `{"app":"shop","binding":"other"}`, 404, ""},
		"a password in a URL":          {"POST", "/v1/providers", `{"name":"main","kind":"postgres","url":"postgres://a:hunter2@db/p","password":"x"}`, 422, "body.url"},
		"a password in its query":      {"POST", "/v1/providers", `{"name":"main","kind":"postgres","url":"postgres://a@db/p?password=hunter2","password":"x"}`, 422, "body.url"},
		"no URL":                       {"POST", "/v1/providers", `{"name":"main","kind":"postgres","url":"hunter2 @","password":"x"}`, 422, "body.url"},
		"a broker without a password":  {"POST", "/v1/providers", bound + `"username":"a"}`, 422, "body"},
		"a broker opened twice":        {"POST", "/v1/providers", bound + `"password":"hunter2","token":"b"}`, 422, "body"},
		"a database server by a token": {"POST", "/v1/providers", `{"name":"main","kind":"postgres","url":"postgres://a@db/p","token":"hunter2"}`, 422, "body"},
		"a kept password of a broker":  {"POST", "/v1/providers", bound + `"password":"hunter2","keep_password":true}`, 422, "body.keep_password"},
		"a provider with a slash":      {"GET", "/v1/providers/a%2Fb", "", 422, "path.provider"},
		"a provider that is not":       {"GET", "/v1/providers/ghost", "", 404, ""},
		"a kind that is not":           {"POST", "/v1/providers", `{"name":"main","kind":"mysql","url":"https://broker"}`, 422, "body.kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, text := apitest.Call(t, r.method, c.url+r.path, strings.NewReader(r.body))
			p := problemOf(t, answer, text)
			if p.Status != r.status {
				t.Errorf("%d, want %d: %s", p.Status, r.status, text)
			}
			if r.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != r.location) {
				t.Errorf("errors %v, want one at %q", p.Errors, r.location)
			}
			if strings.Contains(string(text), "hunter2") {
				t.Errorf("a secret is repeated: %s", text)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(platform.Services().Added()); n != 0 {
			t.Errorf("%d providers were registered", n)
		}
	})
}

// seenLog is what the server logs, for looking through.
type seenLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *seenLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// TestSecretsOfServicesAreInOneAnswerOnly gives secrets in every way there is, and looks for them in every
// answer and in the log.
func TestSecretsOfServicesAreInOneAnswerOnly(t *testing.T) {
	t.Parallel()
	const planted = "zz-planted-8841"
	platform := apitest.NewPlatform()
	config := apitest.Config(t, platform)
	log := &seenLog{}
	config.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := apitest.Start(t, config)
	call := func(method, path, body string, status int) (*http.Response, string) {
		t.Helper()
		answer, text := apitest.Call(t, method, server.URL+path, strings.NewReader(body))
		if answer.StatusCode != status {
			t.Errorf("%s %s: %d, want %d: %s", method, path, answer.StatusCode, status, text)
		}
		if strings.Contains(string(text), planted) {
			t.Errorf("%s %s repeats the secret: %s", method, path, text)
		}
		return answer, string(text)
	}
	secret := `"parameters":{"token":"` + planted + `"}`
	call("POST", "/v1/services", `{"name":"cache","offering":"cache","plan":"small",`+secret+`}`, 202)
	call("POST", "/v1/services", `{"name":"mail","credentials":{"uri":"`+planted+`"},"syslog_drain_url":"https://`+planted+`"}`, 202)
	call("GET", "/v1/services/cache", "", 200)
	call("PATCH", "/v1/services/cache", `{`+secret+`}`, 202)
	call("POST", "/v1/services/cache/keys", `{"name":"anna",`+secret+`}`, 202)
	call("POST", "/v1/providers", `{"name":"main","kind":"postgres","url":"postgres://admin@db/postgres","password":"`+planted+`"}`, 200)
	call("POST", "/v1/providers", `{"name":"more","kind":"broker","url":"https://b","token":"`+planted+`"}`, 200)
	for _, path := range []string{"/v1/services", "/v1/services/mail", "/v1/services/cache/keys", "/v1/providers", "/v1/history", "/v1/service-offerings"} {
		call("GET", path, "", 200)
	}
	// What can't be read is not repeated either: cut off, of another type, and not known.
	call("POST", "/v1/services", `{"name":"x","credentials":{"uri":"`+planted, 400)
	call("POST", "/v1/services", `{"name":"x","syslog_drain_url":{"uri":"`+planted+`"}}`, 422)
	call("POST", "/v1/providers", `{"name":"x","kind":"`+planted+`","url":"https://b"}`, 422)
	call("POST", "/v1/services/cache/keys", `{"name":"`+strings.Repeat("x", 30)+`",`+secret+`}`, 422)

	created := platform.Services().Created()
	if len(created) != 2 || created[0].Parameters.Reveal() != `{"token":"`+planted+`"}` || created[1].User.Credentials.Reveal() != `{"uri":"`+planted+`"}` {
		t.Error("the secrets did not arrive")
	}

	call("GET", "/v1/services/cache/keys", "", 200)
	answer, text := call("GET", "/v1/services/cache/keys/anna", "", 200)
	if !strings.Contains(text, apitest.KeyPassword) || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", answer.Header, text)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, hidden := range []string{planted, apitest.KeyPassword} {
		if strings.Contains(log.text.String(), hidden) {
			t.Errorf("%q is in the log", hidden)
		}
	}
	if !strings.Contains(log.text.String(), "/v1/services/cache/keys/anna") {
		t.Error("the log has nothing")
	}
}

// TestBindSaysWhatItMeans holds the defaults of a binding that is asked for by hand.
func TestBindSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	platform, c := withShop(t)
	c.call(t, "POST", "/v1/services", "/v1/services", `{"name":"db","offering":"postgres","plan":"small"}`, 202)
	for name, r := range map[string]struct {
		body string
		want paas.Bind
	}{
		"variables":           {`{"app":"shop","name":"a"}`, paas.Bind{As: paas.AsEnv, Env: "DATABASE_URL"}},
		"variables of a name": {`{"app":"shop","name":"b","env":"DB","vcap":true}`, paas.Bind{As: paas.AsEnv, Env: "DB", VCAP: true}},
		"files":               {`{"app":"shop","name":"c","as":"files"}`, paas.Bind{As: paas.AsFiles, Change: paas.ChangeNoop}},
		"files and a signal":  {`{"app":"shop","name":"d","as":"files","signal":"SIGHUP"}`, paas.Bind{As: paas.AsFiles, Change: paas.ChangeSignal, Signal: "SIGHUP"}},
	} {
		c.call(t, "POST", "/v1/services/{service}/bindings", "/v1/services/db/bindings", r.body, 202)
		snap, err := platform.Snapshot(t.Context(), paas.AppRef{Team: "default", App: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		if got := snap.Bindings[len(snap.Bindings)-1].Bind; got != r.want {
			t.Errorf("%s: %+v, want %+v", name, got, r.want)
		}
	}
}
