package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// caller makes calls of the API by hand, as somebody who means no good would.
type caller struct {
	*testing.T
	addr  string
	admin string // an operator's token
}

// attempt is one call.
type attempt struct {
	method, path string
	token        string
	cookie       string
	body         string
	headers      []string // names and values, one after the other
}

type reply struct {
	status int
	header http.Header
	text   string
}

func (c *caller) make(id string, a attempt) reply {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), a.method, c.addr+a.path, strings.NewReader(a.body))
	if err != nil {
		c.Fatal(err)
	}
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.cookie != "" {
		r.Header.Set("Cookie", "__Host-crumpet="+a.cookie)
	}
	if id != "" {
		r.Header.Set("X-Request-Id", id)
	}
	for i := 0; i+1 < len(a.headers); i += 2 {
		r.Header.Set(a.headers[i], a.headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		c.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// ask makes a call as the operator, and reads the answer.
func (c *caller) ask(method, path, body string, into any) {
	c.Helper()
	r := c.make("", attempt{method: method, path: path, token: c.admin, body: body})
	if r.status >= 300 {
		c.Fatalf("%s %s: %d %s", method, path, r.status, r.text)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(r.text), into); err != nil {
			c.Fatal(err)
		}
	}
}

// token makes a token of a bot's, with more of a body.
func (c *caller) token(owner, more string) (secret, id string) {
	c.Helper()
	var made struct {
		Secret string
		Token  struct{ ID string }
	}
	c.ask("POST", "/v1/tokens", fmt.Sprintf(`{"name": "for attacks", "owner": %q%s}`, owner, more), &made)
	return made.Secret, made.Token.ID
}

func (c *caller) bot(team, name, role string) string {
	c.Helper()
	c.ask("POST", "/v1/teams/"+team+"/bots", fmt.Sprintf(`{"name": %q, "role": %q}`, name, role), nil)
	secret, _ := c.token(name, "")
	return secret
}

// signIn signs a person in, with a cookie that the browser may have already, and gives the one of the answer.
func (c *caller) signIn(user, password, planted string) string {
	c.Helper()
	r := c.make("", attempt{
		method: "POST", path: "/v1/login", cookie: planted, body: fmt.Sprintf(`{"user": %q, "password": %q}`, user, password), headers: []string{"X-Crumpet-Session", "1"},
	})
	cookies := (&http.Response{Header: r.header}).Cookies()
	if r.status != http.StatusOK || len(cookies) != 1 {
		c.Fatalf("sign in: %d %s", r.status, r.text)
	}
	if one := cookies[0]; !one.Secure || !one.HttpOnly || one.SameSite != http.SameSiteStrictMode || one.Path != "/" || one.Domain != "" {
		c.Errorf("the session's cookie is %+v", one)
	}
	return cookies[0].Value
}

var attackRow = regexp.MustCompile(`^\| (\d+) \| (.+) \| (\d+) \| (\S+) \|$`)

// TestAttacks makes each attack of docs/attacks.md over HTTP, sees it refused with the status that stands there, and finds its line in the audit.
func TestAttacks(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	c := &caller{T: t, addr: d.info.Addr, admin: d.info.Token}
	attacks := c.prepare(d)
	text, err := os.ReadFile("../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]string{} // by request id
	n := 0
	for line := range strings.Lines(string(text)) {
		row := attackRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		n++
		if row[1] != fmt.Sprint(n) || n > len(attacks) {
			t.Fatalf("row %q of docs/attacks.md: there are %d attacks, and this is number %d", line, len(attacks), n)
		}
		a := attacks[n-1]
		id := fmt.Sprintf("attack-%d", n)
		got := c.make(id, a)
		if fmt.Sprint(got.status) != row[3] {
			t.Errorf("%s. %s: %d %s, want %s", row[1], row[2], got.status, got.text, row[3])
		}
		kind := got.header.Get("Content-Type")
		if kind != "application/problem+json" || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Set-Cookie") != "" || strings.Contains(got.text, "<script") {
			t.Errorf("%s. %s: an answer of %s: %v %s", row[1], row[2], kind, got.header, got.text)
		}
		if row[4] != "-" {
			actions[id] = row[4]
		}
	}
	if n != len(attacks) || n < 40 {
		t.Errorf("docs/attacks.md has %d rows of %d attacks", n, len(attacks))
	}
	c.audited(actions)
}

// audited finds the line of each attack, and nothing in it that a terminal would act on.
func (c *caller) audited(actions map[string]string) {
	c.Helper()
	var page struct{ Items []paas.Audited }
	r := c.make("", attempt{method: "GET", path: "/v1/audit?team=*&last=1000", token: c.admin})
	if strings.ContainsAny(r.text, "\x1b\x07\u009b") || strings.Contains(r.text, `\u001b`) {
		c.Errorf("the audit holds control characters")
	}
	if err := json.Unmarshal([]byte(r.text), &page); err != nil {
		c.Fatal(err)
	}
	for _, line := range page.Items {
		want, attacked := actions[line.Request]
		if !attacked {
			continue
		}
		delete(actions, line.Request)
		if line.Action != want || line.Outcome != paas.AuditDenied && line.Outcome != paas.AuditRefused || line.From == "" || line.Detail == "" {
			c.Errorf("%s is audited as %+v, want the action %s denied or refused, with where from and why", line.Request, line, want)
		}
	}
	for id, action := range actions {
		c.Errorf("the audit has no line of %s (%s)", id, action)
	}
}

const longPassword = "correct horse battery staple"

// prepare makes two teams that have an app of the same name, and gives the attacks in the order of the table.
func (c *caller) prepare(d *dev) []attempt {
	c.Helper()
	app := filepath.Join(c.TempDir(), "shop")
	write(c, filepath.Join(app, "public", "index.html"), "hello")
	for _, team := range []string{"crew", "rivals"} {
		c.ask("POST", "/v1/teams", fmt.Sprintf(`{"name": %q}`, team), nil)
		write(c, filepath.Join(app, "crumpet.hcl"), fmt.Sprintf("app \"shop\" {\n  build {\n    builder = \"static\"\n    dir = \"public\"\n  }\n  process \"web\" {\n    port \"http\" {}\n    route \"%s.localhost/\" {}\n  }\n}\n", team))
		d.ok(app, "push", "--team", team)
	}
	rival, viewer := c.bot("rivals", "rival", "maintainer"), c.bot("crew", "looker", "viewer")
	narrow, _ := c.token("looker", `, "apps": ["crew/shop"], "verbs": ["read"]`)
	expired, _ := c.token("looker", `, "expires_in": "1s"`)
	revoked, id := c.token("looker", "")
	c.ask("DELETE", "/v1/tokens/"+id, "", nil)

	c.ask("POST", "/v1/users", fmt.Sprintf(`{"name": "mallory", "password": %q}`, longPassword), nil)
	c.ask("PUT", "/v1/teams/crew/members/mallory", `{"role": "developer"}`, nil)
	planted := strings.Repeat("A", 43)
	session := c.signIn("mallory", longPassword, "")
	if c.signIn("mallory", longPassword, planted) == planted {
		c.Error("signing in kept the cookie that was there")
	}
	left := c.signIn("mallory", longPassword, "")
	if r := c.make("", attempt{method: "POST", path: "/v1/logout", cookie: left, headers: []string{"X-Crumpet-Session", "1"}}); r.status >= 300 {
		c.Fatalf("sign out: %d %s", r.status, r.text)
	}

	var deployments struct{ Items []paas.Deployment }
	c.ask("GET", "/v1/apps/shop/deployments?team=crew", "", &deployments)
	var status struct{ Instances []struct{ ID string } }
	c.ask("GET", "/v1/apps/shop/status?team=crew", "", &status)
	var events struct{ Items []paas.Event }
	c.ask("GET", "/v1/history?team=crew&kind=build", "", &events)
	build := ""
	for _, e := range events.Items {
		build = e.Build
	}
	if len(deployments.Items) == 0 || len(status.Instances) == 0 || build == "" {
		c.Fatalf("team crew has %d deployments, %d instances and the build %q", len(deployments.Items), len(status.Instances), build)
	}
	until := time.Now().Add(time.Minute)
	for c.make("", attempt{method: "GET", path: "/v1/self", token: expired}).status != http.StatusUnauthorized {
		if time.Now().After(until) {
			c.Fatal("a token for a second is taken after a minute")
		}
		time.Sleep(100 * time.Millisecond)
	}
	shop, own := "/v1/apps/shop", "?team=rivals"
	forged := "crumpet_" + strings.Repeat("B", 43)
	crossSite := []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site"}
	return []attempt{
		// Another team's names.
		{method: "GET", path: shop + "/status?team=crew", token: rival},
		{method: "POST", path: shop + "/scale?team=crew", token: rival, body: `{"counts": {"web": 0}}`},
		{method: "GET", path: shop + "/logs?team=crew&follow=true", token: rival},
		{method: "GET", path: shop + "/exec?team=crew", token: rival},
		{method: "POST", path: shop + "/config/reveal?team=crew", token: rival, body: `{}`},
		{method: "PATCH", path: shop + "/config?team=crew", token: rival, body: `{"set": [{"name": "A", "value": "b"}]}`},
		{method: "DELETE", path: shop + "?team=crew", token: rival},
		{method: "POST", path: shop + "/releases?team=crew", token: rival, body: `{}`},
		{method: "DELETE", path: "/v1/services/orders?team=crew", token: rival},
		{method: "GET", path: "/v1/services/orders/keys/reader?team=crew", token: rival},
		{method: "PUT", path: "/v1/teams/crew/members/rival", token: rival, body: `{"role": "maintainer"}`},
		{method: "DELETE", path: "/v1/teams/crew/members/mallory?team=rivals", token: rival, headers: []string{"X-Forwarded-For", "10.0.0.1"}},
		{method: "GET", path: "/v1/audit?team=crew", token: rival},
		{method: "GET", path: "/v1/events?team=crew", token: rival},
		{method: "GET", path: "/v1/history?team=nowhere", token: rival},
		{method: "POST", path: shop + "/restart?team=rivals&team=crew", token: rival},
		// Another team's ids under names of one's own.
		{method: "GET", path: "/v1/builds/" + build + own, token: rival},
		{method: "POST", path: shop + "/deployments/" + deployments.Items[0].ID + "/pause" + own, token: rival},
		{method: "POST", path: shop + "/instances/" + status.Instances[0].ID + "/restart" + own, token: rival},
		// More than a role or a token is for.
		{method: "POST", path: shop + "/stop?team=crew", token: viewer},
		{method: "PUT", path: "/v1/teams/crew/members/looker", token: viewer, body: `{"role": "maintainer"}`},
		{method: "PATCH", path: "/v1/users/mallory", token: rival, body: `{"admin": true}`},
		{method: "PUT", path: "/v1/nodes/any/drain", token: rival},
		{method: "POST", path: "/v1/tokens", token: narrow, body: `{"name": "broader"}`},
		{method: "GET", path: "/v1/apps/other/status?team=crew", token: narrow},
		{method: "POST", path: "/v1/login/cli", token: narrow, body: `{"challenge": "` + strings.Repeat("c", 43) + `", "state": "` + strings.Repeat("s", 43) + `"}`},
		// Tokens that are none.
		{method: "POST", path: shop + "/start?team=crew", token: forged},
		{method: "POST", path: "/v1/services?team=crew", headers: []string{"Authorization", "Basic " + rival}, body: `{}`},
		{method: "POST", path: "/v1/repair", token: expired},
		{method: "POST", path: "/v1/teams", token: revoked, body: `{"name": "mine"}`},
		{method: "POST", path: "/v1/providers?token=" + url.QueryEscape(c.admin), body: `{}`},
		// Browsers.
		{method: "POST", path: shop + "/rollback?team=crew", token: rival, cookie: session, headers: []string{"X-Crumpet-Session", "1"}, body: `{}`},
		{method: "GET", path: "/v1/tokens", cookie: planted},
		{method: "POST", path: shop + "/restart?team=crew", cookie: session, headers: crossSite},
		{method: "POST", path: shop + "/promote?team=crew", cookie: session, headers: crossSite},
		{method: "PUT", path: "/v1/self/password", cookie: session, body: `{}`, headers: []string{"Origin", "http://127.0.0.1:9", "Sec-Fetch-Site", "same-site", "X-Crumpet-Session", "1"}},
		{method: "GET", path: shop + "/exec?team=crew", cookie: session, headers: append([]string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}, crossSite...)},
		{method: "GET", path: "/v1/sessions", cookie: left},
		// Texts.
		{method: "DELETE", path: "/v1/apps/..%2f..%2fcrew%2fshop" + own, token: rival},
		{method: "POST", path: shop + "/scale" + own, token: rival, body: `{"counts": {"` + string(bytes.Repeat([]byte("a"), 2<<20)) + `": 1}}`},
		{method: "PATCH", path: shop + "/config" + own, token: rival, body: `{"set": [{"name": "<script>", `},
		{method: "PUT", path: "/v1/hosts/evil.example.com%0d%0aSet-Cookie:%20a=b" + own, token: rival, body: `{"with": "crew"}`},
		{method: "POST", path: "/v1/apps/%3Cscript%3Ealert(1)%3C%2Fscript%3E/start" + own, token: rival},
		{method: "POST", path: "/v1/services/orders%1b%5d0;owned%07/rotate" + own, token: rival, body: `{}`},
	}
}
