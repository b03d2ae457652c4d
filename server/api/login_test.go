package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// page makes a call as a page of ours does, without following redirects.
func page(t *testing.T, method, url, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

var ours = map[string]string{api.SessionHeader: "1"}

func TestASignInGivesTheCookieAndNothingThatAScriptCouldRead(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	answer, text := page(t, "POST", server.URL+"/v1/login", `{"user":"ann","password":"correct horse battery"}`, ours)
	if answer.StatusCode != http.StatusOK || !strings.Contains(text, `"user":"ann"`) || strings.Contains(text, apitest.LoginCookie) {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	const want = "__Host-crumpet=session-of-test; Path=/; HttpOnly; Secure; SameSite=Strict"
	if got := answer.Header.Values("Set-Cookie"); len(got) != 1 || got[0] != want {
		t.Errorf("cookies %q", got)
	}
	if answer, text := page(t, "POST", server.URL+"/v1/login", `{"user":"ann","password":"wrong"}`, ours); answer.StatusCode != http.StatusUnauthorized ||
		len(answer.Header.Values("Set-Cookie")) > 0 || strings.Contains(text, "wrong") {
		t.Errorf("a wrong password: %d %s", answer.StatusCode, text)
	}
}

func TestPagesOfOthersSignNobodyIn(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	const body = `{"user":"ann","password":"correct horse battery"}`
	for name, header := range map[string]map[string]string{
		"a form":                    {},
		"a form of text":            {"Content-Type": "text/plain"},
		"another origin":            {api.SessionHeader: "1", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		"another site of ours":      {api.SessionHeader: "1", "Sec-Fetch-Site": "same-site"},
		"a header of another value": {api.SessionHeader: "0"},
	} {
		answer, text := page(t, "POST", server.URL+"/v1/login", body, header)
		if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusUnsupportedMediaType || len(answer.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: %d %s", name, answer.StatusCode, text)
		}
	}
}

func TestASignInAtAProviderIsBoundToTheBrowser(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	logins := apitest.NewLogins()
	config.Logins = logins
	server := apitest.Start(t, config)
	answer, text := page(t, "GET", server.URL+"/v1/login", "", nil)
	var methods wire.LoginMethods
	if err := json.Unmarshal([]byte(text), &methods); err != nil || len(methods.Providers) != 1 || methods.Providers[0].Path != "/v1/login/oidc/corp" {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	answer, text = page(t, "GET", server.URL+"/v1/login/oidc/corp?then=/apps", "", nil)
	const want = "__Secure-crumpet-login=binding-of-test; Path=/v1/login/oidc; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "https://login.example.com/authorize?state=state-of-test" || answer.Header.Get("Set-Cookie") != want {
		t.Fatalf("%d %s: %q", answer.StatusCode, text, answer.Header)
	}
	back := server.URL + "/v1/login/oidc/corp/callback?state=state-of-test&code=c&session_state=x"
	if answer, text := page(t, "GET", back, "", nil); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the cookie: %d %s", answer.StatusCode, text)
	}
	answer, text = page(t, "GET", back, "", map[string]string{"Cookie": "__Secure-crumpet-login=binding-of-test"})
	cookies := strings.Join(answer.Header.Values("Set-Cookie"), "\n")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/apps" || !strings.Contains(cookies, "__Host-crumpet=session-of-test; Path=/; HttpOnly; Secure; SameSite=Strict") ||
		!strings.Contains(cookies, "__Secure-crumpet-login=; Path=/v1/login/oidc; Max-Age=0") {
		t.Errorf("%d %s %q: %s", answer.StatusCode, answer.Header.Get("Location"), cookies, text)
	}

	logins.Fail(paas.Errorf(paas.Unavailable, "The provider %q does not answer.", `<script>alert(1)</script>`), "unavailable")
	for _, path := range []string{"/v1/login/oidc/corp", "/v1/login/oidc/corp/callback?state=x&code=y"} {
		answer, text = page(t, "GET", server.URL+path, "", map[string]string{"Accept": "text/html,*/*"})
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Refresh") != "0; url=/login?provider=corp&refused=unavailable" || strings.Contains(text, "<script>") {
			t.Errorf("%s: %d %q %s", path, answer.StatusCode, answer.Header, text)
		}
		if answer, text = page(t, "GET", server.URL+path, "", nil); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Content-Type") != wire.ProblemType {
			t.Errorf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
}

func TestACodeGoesToTheMachineOfWhoAgrees(t *testing.T) {
	t.Parallel()
	for redirect, ok := range map[string]bool{
		"http://127.0.0.1:1/done":          true,
		"http://127.0.0.1:65535/done":      true,
		"http://[::1]:40000/done":          true,
		"http://127.0.0.1/done":            false,
		"http://127.0.0.1:0/done":          false,
		"http://127.0.0.1:65536/done":      false,
		"http://127.0.0.1:080/done":        false,
		"http://127.0.0.1:80/":             false,
		"http://127.0.0.1:80/done?x":       false,
		"http://127.0.0.1:80/done#x":       false,
		"http://u@127.0.0.1:80/done":       false,
		"http://127.0.0.1:80@evil.ex/done": false,
		"http://127.0.0.1.evil.ex:80/done": false,
		"http://localhost:80/done":         false,
		"http://127.0.0.2:80/done":         false,
		"http://[::1%25eth0]:80/done":      false,
		"https://127.0.0.1:80/done":        false,
		"javascript:alert(1)":              false,
		"//127.0.0.1:80/done":              false,
		"http://127.0.0.1:80/%64one":       false,
		"http://127.0.0.1:80//done":        false,
	} {
		if _, got := api.CLIRedirect(redirect); got != ok {
			t.Errorf("%q: %t", redirect, got)
		}
	}
}

func TestATokenCanNotAgreeToACLI(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	body := `{"challenge":"` + strings.Repeat("x", 43) + `","redirect":"http://127.0.0.1:80/done"}`
	answer, text := apitest.Call(t, "POST", server.URL+"/v1/login/cli", strings.NewReader(body))
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	answer, text = apitest.Call(t, "POST", server.URL+"/v1/login/cli", strings.NewReader(strings.Replace(body, "127.0.0.1", "evil.example", 1)))
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("to another machine: %d %s", answer.StatusCode, text)
	}
}

func TestACLIRedeemsItsCodeWithoutAToken(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for code, status := range map[string]int{apitest.LoginCode: http.StatusOK, "another": http.StatusUnauthorized} {
		answer, text := page(t, "POST", server.URL+"/v1/login/cli/token", `{"code":"`+code+`","verifier":"`+strings.Repeat("v", 43)+`","name":"cli here"}`, nil)
		if answer.StatusCode != status || (status == http.StatusOK) != strings.Contains(text, apitest.Token) {
			t.Errorf("%s: %d %s", code, answer.StatusCode, text)
		}
	}
}

func TestASignInSaysWhichSessionTheBrowserHad(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	logins, ok := config.Logins.(*apitest.Logins)
	if !ok {
		t.Fatalf("logins are a %T", config.Logins)
	}
	server := apitest.Start(t, config)
	for call, body := range map[string]string{
		"POST /v1/login":          `{"user":"ann","password":"correct horse battery"}`,
		"GET /v1/login/oidc/corp": "",
		"GET /v1/login/oidc/corp/callback?state=state-of-test&code=c": "",
	} {
		method, path, _ := strings.Cut(call, " ")
		header := map[string]string{api.SessionHeader: "1", "User-Agent": "tester", "Cookie": "__Secure-crumpet-login=binding-of-test; " + api.SessionCookie + "=the-one-before"}
		answer, text := page(t, method, server.URL+path, body, header)
		if got := logins.Browser(); answer.StatusCode >= 400 || got.Session != "the-one-before" || got.Agent != "tester" || got.From == "" {
			t.Errorf("%s: %d %s, from %+v", call, answer.StatusCode, text, got)
		}
	}
}

func TestTheAuditKnowsTheSessionThatASignInBeganAndTheLock(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	server := apitest.Start(t, config)
	for user, status := range map[string]int{apitest.LoginUser: http.StatusOK, apitest.LoginLocked: http.StatusUnauthorized} {
		if answer, text := page(t, "POST", server.URL+"/v1/login", `{"user":"`+user+`","password":"correct horse battery"}`, ours); answer.StatusCode != status || strings.Contains(text, "12:01") {
			t.Errorf("%s: %d %s", user, answer.StatusCode, text)
		}
	}
	lines, err := config.Audit.List(t.Context(), paas.AuditFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range lines {
		got[l.By+" "+string(l.Outcome)] = l.Target
		if l.From == "" || strings.Contains(fmt.Sprintf("%+v", l), "correct horse") {
			t.Errorf("%+v", l)
		}
	}
	want := map[string]string{"ann done": "session s-of-test", "bob denied": "user bob locked until 2026-11-23T12:01:00Z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
