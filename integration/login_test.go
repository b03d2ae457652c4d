package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/crumpet-paas/crumpet/integration/provider"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// TestPeopleSignIn is one stack and everybody who comes to it: a local user, a provider's people, a CLI that
// somebody lets act as them, and those who try what they may not.
func TestPeopleSignIn(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	p := provider.Start(t)
	p.Register(d.info.Addr + "/v1/login/oidc/corp/callback")
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, provider.Secret+"\n")
	path := filepath.Join(d.dir, "crumpet", "server.hcl")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	configured := string(before) + fmt.Sprintf(`
oidc "corp" {
  issuer             = %q
  client_id          = %q
  client_secret_file = %q
  group "devs" {
    team = "default"
    role = "developer"
  }
}
limits {
  login_rate  = 100 # more than people, and less than it takes to guess
  login_burst = 100
}
`, p.URL, provider.ClientID, secret)
	d.configure(path, configured)

	admin := &browser{d: d}
	admin.signIn("admin", d.info.Password, http.StatusOK)
	if self := admin.self(); self.User != "admin" || !self.Admin || self.Session == "" {
		t.Errorf("signed in as %+v", self)
	}
	d.forgedCalls(admin)
	d.fixation()
	d.lockout(admin)
	d.cliLogin(admin)
	d.providersPeople(p, admin)

	if status, text := admin.call("POST", "/v1/logout", "", nil); status != http.StatusOK || !strings.Contains(text, `"session"`) {
		t.Errorf("sign-out: %d %s", status, text)
	}
	if status, _ := (&browser{d: d, cookie: admin.ended}).call("GET", "/v1/self", "", nil); status != http.StatusUnauthorized {
		t.Errorf("after the sign-out the cookie is answered %d", status)
	}
	d.configure(path, configured+"session {\n  idle = \"3s\"\n  absolute = \"7s\"\n}\n")
	d.expiry()
}

// configure has the server run with another configuration.
func (d *dev) configure(path, text string) {
	d.t.Helper()
	write(d.t, path, text)
	killed := d.info.Pids["server"]
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		d.t.Fatal(err)
	}
	d.until(time.Minute, "the server is started again", func() bool { return d.read() == nil && d.info.Pids["server"] != killed })
}

// answerHead is what of an answer is not its body.
type answerHead struct {
	StatusCode int
	Header     http.Header
}

// browser is what of a browser counts here: it keeps the cookies of the server, and sends them along.
type browser struct {
	d             *dev
	cookie, ended string // of the session, and the one before
	flow          string // of a sign-in at a provider
}

// call makes a call as a page of ours does; header is over that.
func (b *browser) call(method, path, body string, header map[string]string) (int, string) {
	b.d.t.Helper()
	answer, text := b.visit(method, b.d.info.Addr+path, body, header)
	return answer.StatusCode, text
}

func (b *browser) visit(method, address, body string, header map[string]string) (answerHead, string) {
	b.d.t.Helper()
	r, err := http.NewRequestWithContext(b.d.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.d.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("X-Crumpet-Session", "1")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if strings.HasPrefix(address, b.d.info.Addr) {
		var kept []string
		if b.cookie != "" {
			kept = append(kept, "__Host-crumpet="+b.cookie)
		}
		if b.flow != "" {
			kept = append(kept, "__Secure-crumpet-login="+b.flow)
		}
		if kept != nil {
			r.Header.Set("Cookie", strings.Join(kept, "; "))
		}
	}
	for name, value := range header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		if !c.Secure || !c.HttpOnly {
			b.d.t.Errorf("%s sets a cookie that scripts or others can read: %s", address, c.Name)
		}
		switch c.Name {
		case "__Host-crumpet":
			if c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
				b.d.t.Errorf("%s sets %s", address, strings.Replace(c.String(), c.Value, "...", 1))
			}
			b.ended, b.cookie = b.cookie, c.Value
		case "__Secure-crumpet-login":
			b.flow = c.Value
		}
	}
	return answerHead{answer.StatusCode, answer.Header}, string(text)
}

func (b *browser) signIn(user, password string, want int) string {
	b.d.t.Helper()
	body, err := json.Marshal(map[string]string{"user": user, "password": password})
	if err != nil {
		b.d.t.Fatal(err)
	}
	status, text := b.call("POST", "/v1/login", string(body), nil)
	if status != want || strings.Contains(text, password) {
		b.d.t.Fatalf("%s signs in: %d %s", user, status, text)
	}
	return regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(text, "")
}

func (b *browser) self() (self wire.Self) {
	b.d.t.Helper()
	status, text := b.call("GET", "/v1/self", "", nil)
	if err := json.Unmarshal([]byte(text), &self); status != http.StatusOK || err != nil {
		b.d.t.Fatalf("/v1/self: %d %s", status, text)
	}
	return self
}

// forgedCalls come from pages of somebody else, who have the cookie sent along.
func (d *dev) forgedCalls(admin *browser) {
	d.t.Helper()
	for name, header := range map[string]map[string]string{
		"a form":         {"X-Crumpet-Session": "", "Sec-Fetch-Site": ""},
		"another origin": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
		"another site":   {"Sec-Fetch-Site": "same-site"},
	} {
		for _, path := range []string{"/v1/logout", "/v1/login/cli"} {
			if status, text := admin.call("POST", path, `{}`, header); status != http.StatusForbidden {
				d.t.Errorf("%s at %s: %d %s", name, path, status, text)
			}
		}
	}
	if status, text := admin.call("GET", "/v1/self", "", map[string]string{"Authorization": "Bearer " + d.info.Token}); status < 400 {
		d.t.Errorf("a token beside a session: %d %s", status, text)
	}
}

// fixation is a cookie that somebody has put into a browser before its owner signs in.
func (d *dev) fixation() {
	d.t.Helper()
	victim := &browser{d: d, cookie: strings.Repeat("A", 43)}
	victim.signIn("admin", d.info.Password, http.StatusOK)
	first := victim.cookie
	victim.signIn("admin", d.info.Password, http.StatusOK)
	if first == strings.Repeat("A", 43) || victim.cookie == first {
		d.t.Error("a sign-in kept the value of the cookie")
	}
	if status, _ := (&browser{d: d, cookie: strings.Repeat("A", 43)}).call("GET", "/v1/self", "", nil); status != http.StatusUnauthorized {
		d.t.Errorf("the value that was put there is answered %d", status)
	}
}

// lockout has somebody guess, and says the same to everybody.
func (d *dev) lockout(admin *browser) {
	d.t.Helper()
	const password = "bobs own password"
	if status, text := admin.call("POST", "/v1/users", `{"name":"bob","password":"`+password+`"}`, nil); status != http.StatusCreated {
		d.t.Fatalf("make bob: %d %s", status, text)
	}
	guest := &browser{d: d}
	want := guest.signIn("nobody", password, http.StatusUnauthorized)
	for range 5 {
		if got := guest.signIn("bob", "a wrong password", http.StatusUnauthorized); got != want {
			d.t.Errorf("a wrong password is answered %s, nobody %s", got, want)
		}
	}
	if got := guest.signIn("bob", password, http.StatusUnauthorized); got != want {
		d.t.Errorf("a locked user is answered %s, nobody %s", got, want)
	}
	if status, text := admin.call("PATCH", "/v1/users/bob", `{"unlock":true}`, nil); status != http.StatusOK {
		d.t.Fatalf("unlock bob: %d %s", status, text)
	}
	guest.signIn("bob", password, http.StatusOK)
}

// cliLogin runs crumpet login on a terminal: a program in the place of xdg-open notes the page, and bob agrees.
func (d *dev) cliLogin(admin *browser) {
	d.t.Helper()
	home, bin := d.t.TempDir(), d.t.TempDir()
	opened := filepath.Join(bin, "opened")
	script := "#!/bin/sh\nprintf '%s' \"$1\" > " + opened + ".part && mv " + opened + ".part " + opened + "\n"
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		d.t.Fatal(err)
	}
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(d.t.Context(), crumpet, args...)
		cmd.Env = append(d.env(), "CRUMPET_TOKEN=", "CRUMPET_ADDR=", "HOME="+home, "XDG_CONFIG_HOME="+home, "DISPLAY=:0", "PATH="+bin+":"+os.Getenv("PATH"))
		cmd.Dir = home
		return cmd
	}
	login := run("login", d.info.Addr)
	terminal, err := pty.Start(login)
	if err != nil {
		d.t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // its program has ended
	screen := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(terminal) // the end of a terminal is an error
		screen <- string(text)
	}()
	var page *url.URL
	d.until(time.Minute, "the page is opened", func() bool {
		text, err := os.ReadFile(opened)
		if err == nil {
			page, err = url.Parse(string(text))
		}
		return err == nil
	})
	bob := &browser{d: d}
	bob.signIn("bob", "bobs own password", http.StatusOK)
	query := page.Query()
	agree := fmt.Sprintf(`{"challenge":%q,"state":%q,"redirect":%q}`, query.Get("challenge"), query.Get("state"), query.Get("redirect"))
	evil := strings.Replace(agree, "127.0.0.1", "evil.example", 1)
	if status, text := bob.call("POST", "/v1/login/cli", evil, nil); status != http.StatusUnprocessableEntity {
		d.t.Errorf("a code for somebody else's machine: %d %s", status, text)
	}
	status, text := bob.call("POST", "/v1/login/cli", agree, nil)
	var agreed wire.AgreedCLI
	if err := json.Unmarshal([]byte(text), &agreed); status != http.StatusOK || err != nil {
		d.t.Fatalf("agree: %d %s", status, text)
	}
	if answer, text := bob.visit("GET", agreed.Redirect, "", nil); answer.StatusCode != http.StatusOK || !strings.Contains(text, "is signed in") {
		d.t.Errorf("at the CLI: %d %s", answer.StatusCode, text)
	}
	if err := login.Wait(); err != nil {
		d.t.Fatalf("%v: %s", err, <-screen)
	}
	if text := <-screen; !strings.Contains(text, "as bob.") || strings.Contains(text, agreed.Code) {
		d.t.Errorf("the terminal shows %q", text)
	}
	if status, text := bob.call("POST", "/v1/login/cli/token", fmt.Sprintf(`{"code":%q,"verifier":%q,"name":"x"}`, agreed.Code, strings.Repeat("v", 43)), nil); status != http.StatusUnauthorized {
		d.t.Errorf("the code a second time: %d %s", status, text)
	}
	stored, err := os.ReadFile(filepath.Join(home, "crumpet", "credentials.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	token := regexp.MustCompile(`crumpet_[A-Za-z0-9_-]+`).FindString(string(stored))
	if status, text := d.get(d.info.Addr+"/v1/self", token); status != http.StatusOK || !strings.Contains(text, `"user":"bob"`) {
		d.t.Errorf("the CLI's token: %d %s", status, text)
	}

	// A new password ends bob's session, and not the token.
	passwd := run("passwd", "--addr", d.info.Addr)
	passwd.Stdin = strings.NewReader("bobs own password\nanother one of bob's\n")
	if out, err := passwd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("of bob is changed")) {
		d.t.Errorf("passwd: %v %s", err, out)
	}
	if status, _ := bob.call("GET", "/v1/self", "", nil); status != http.StatusUnauthorized {
		d.t.Errorf("after a new password bob's session is answered %d", status)
	}
	if out, err := run("logout", d.info.Addr).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("no longer valid")) {
		d.t.Errorf("logout: %v %s", err, out)
	}
	if status, _ := d.get(d.info.Addr+"/v1/self", token); status != http.StatusUnauthorized {
		d.t.Errorf("after the logout the token is answered %d", status)
	}
}

// providersPeople sign in at the provider, and have the roles of their groups.
func (d *dev) providersPeople(p *provider.Provider, admin *browser) {
	d.t.Helper()
	p.SetUser(provider.User{Subject: "7", Name: "admin", Full: "Somebody Else", Claims: map[string]any{"groups": []string{"devs"}}})
	ann := &browser{d: d}
	callback := ann.throughProvider()
	if answer, text := ann.visit("GET", callback, "", nil); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/apps" {
		d.t.Fatalf("back from the provider: %d %s", answer.StatusCode, text)
	}
	if self := ann.self(); self.User != "admin-2" || self.Admin || self.Roles["default"] != "developer" || self.Provider != "corp" {
		d.t.Errorf("signed in as %+v", self)
	}
	if answer, _ := ann.visit("GET", callback, "", map[string]string{"Accept": "text/html"}); answer.StatusCode != http.StatusUnauthorized ||
		answer.Header.Get("Refresh") != "0; url=/login?provider=corp&refused=expired" {
		d.t.Errorf("the same again: %d %q", answer.StatusCode, answer.Header)
	}
	// Somebody else's browser, with the address of a sign-in that is not its own.
	other := &browser{d: d}
	if answer, text := other.visit("GET", ann.throughProvider(), "", nil); answer.StatusCode != http.StatusUnauthorized || other.cookie != "" {
		d.t.Errorf("in another browser: %d %s", answer.StatusCode, text)
	}
	p.SetUser(provider.User{Subject: "7", Name: "admin", Claims: map[string]any{"groups": []string{}}})
	if answer, text := ann.visit("GET", ann.throughProvider(), "", nil); answer.StatusCode != http.StatusSeeOther {
		d.t.Errorf("%d %s", answer.StatusCode, text)
	}
	if self := ann.self(); self.User != "admin-2" || len(self.Roles) != 0 {
		d.t.Errorf("without a group: %+v", self)
	}
	if status, text := admin.call("PATCH", "/v1/users/admin-2", `{"disabled":true}`, nil); status != http.StatusOK {
		d.t.Errorf("disable: %d %s", status, text)
	}
	if status, _ := ann.call("GET", "/v1/self", "", nil); status != http.StatusUnauthorized {
		d.t.Errorf("a disabled user is answered %d", status)
	}
	if answer, _ := ann.visit("GET", ann.throughProvider(), "", nil); answer.StatusCode != http.StatusUnauthorized {
		d.t.Errorf("a disabled user signs in: %d", answer.StatusCode)
	}
	p.Down(true)
	defer p.Down(false)
	if answer, text := ann.visit("GET", d.info.Addr+"/v1/login/oidc/corp/callback?state=x&code=y", "", nil); answer.StatusCode != http.StatusUnauthorized {
		d.t.Errorf("a state of nobody: %d %s", answer.StatusCode, text)
	}
	admin.self() // others are not kept out
}

// throughProvider goes from the page of signing in to the provider, and gives where that sends the browser back.
func (b *browser) throughProvider() string {
	b.d.t.Helper()
	address := b.d.info.Addr + "/v1/login/oidc/corp?then=/apps"
	for range 10 {
		answer, text := b.visit("GET", address, "", nil)
		at, _ := url.Parse(address)
		next, err := at.Parse(answer.Header.Get("Location"))
		if err != nil || next.String() == address {
			b.d.t.Fatalf("%s: %d %s", address, answer.StatusCode, text)
		}
		if address = next.String(); strings.HasPrefix(address, b.d.info.Addr+"/v1/login/oidc/corp/callback?") {
			return address
		}
	}
	b.d.t.Fatal("the provider does not send the browser back")
	return ""
}

// expiry waits for the end of a session that is used, and of one that is not.
func (d *dev) expiry() {
	d.t.Helper()
	idle, used := &browser{d: d}, &browser{d: d}
	idle.signIn("admin", d.info.Password, http.StatusOK)
	used.signIn("admin", d.info.Password, http.StatusOK)
	began, last, longest, looked := time.Now(), time.Now(), time.Duration(0), false
	d.until(time.Minute, "a session that is used ends", func() bool {
		if !looked && time.Since(began) > 3500*time.Millisecond {
			looked = true
			if status, _ := idle.call("GET", "/v1/self", "", nil); status != http.StatusUnauthorized {
				d.t.Errorf("not used for %s, a session is answered %d", time.Since(began), status)
			}
		}
		status, _ := used.call("GET", "/v1/self", "", nil)
		longest, last = max(longest, time.Since(last)), time.Now()
		return status == http.StatusUnauthorized
	})
	switch took := time.Since(began); {
	case longest > 2*time.Second:
		d.t.Logf("the machine was too busy to keep a session in use: %s between two calls", longest)
	case took < 6500*time.Millisecond:
		d.t.Errorf("a session that is used ended after %s", took)
	case !looked:
		d.t.Error("nobody looked at the session that is not used")
	}
}
