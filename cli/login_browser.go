package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// browserWithin is how long somebody has to sign in and agree.
const browserWithin = 10 * time.Minute

// cliLogin is a sign-in that goes through a browser: what the page is given is the challenge only, so that a
// code that somebody else sees on its way is worth nothing.
type cliLogin struct {
	client                *client.Client
	verifier, state, name string
}

// tokenByBrowser gets a token that somebody agrees to in a browser.
//
//	browser at ADDR/login/cli --agreed--> http://127.0.0.1:PORT/done?code --> POST /v1/login/cli/token
//	                          \-or shown: code ---pasted here------------/
func (s *session) tokenByBrowser(ctx context.Context, addr string, paste bool) (string, error) {
	c, err := s.clientOf(target{addr: addr})
	if err != nil {
		return "", err
	}
	if _, err := c.LoginMethods(ctx); err != nil { // also to see that it is a server, before a browser is sent there
		return "", err
	}
	l := cliLogin{client: c, verifier: secretText(), state: secretText(), name: machine()}
	opener := opener()
	if paste || opener == "" {
		return s.tokenByPaste(ctx, addr, l)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return s.tokenByPaste(ctx, addr, l)
	}
	page := l.page(addr, fmt.Sprintf("http://%s/done", listener.Addr()))
	s.say("Sign in with the browser that opens. If none does, stop this and use --no-browser.\n  %s", page)
	if err := open(opener, page); err != nil {
		s.say("The browser could not be started: %s", err)
	}
	return l.listen(ctx, listener)
}

// tokenByPaste is for whoever's browser is on another machine.
func (s *session) tokenByPaste(ctx context.Context, addr string, l cliLogin) (string, error) {
	s.say("Open this page in a browser, and paste here the code that it shows:\n  %s", l.page(addr, ""))
	var code string
	if s.prompts() {
		s.say("Code (it is not shown):")
		text, err := term.ReadPassword(int(s.in.(*os.File).Fd())) //nolint:forcetypeassert // prompts has looked
		if err != nil {
			return "", err
		}
		code = strings.TrimSpace(string(text))
	} else {
		var err error
		if code, err = s.readLine(); err != nil {
			return "", err
		}
	}
	if code == "" {
		return "", paas.Errorf(paas.Invalid, "There is no code. Run `crumpet login` again, and paste the one that the page shows.")
	}
	return l.redeem(ctx, code)
}

// page is the address at which a browser asks whether a CLI may act as somebody.
func (l cliLogin) page(addr, redirect string) string {
	sum := sha256.Sum256([]byte(l.verifier))
	query := url.Values{"challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "state": {l.state}, "host": {l.name}}
	if redirect != "" {
		query.Set("redirect", redirect)
	}
	return addr + "/login/cli?" + query.Encode()
}

func (l cliLogin) redeem(ctx context.Context, code string) (string, error) {
	out, err := l.client.RedeemCLI(ctx, wire.RedeemCLI{Code: wire.Password(code), Verifier: wire.Password(l.verifier), Name: "cli " + l.name})
	return string(out.Token), err
}

// answered is what a sign-in has come to.
type answered struct {
	token string
	err   error
}

// listen waits for the browser to come back with a code.
func (l cliLogin) listen(ctx context.Context, listener net.Listener) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, browserWithin)
	defer cancel()
	done := make(chan answered, 1)
	web := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: l.handler(done)}
	served := make(chan struct{})
	go func() { // ends by Shutdown, whose error says nothing more
		defer close(served)
		_ = web.Serve(listener)
	}()
	var got answered
	select {
	case got = <-done:
	case <-ctx.Done():
		got.err = ctx.Err()
		if errors.Is(got.err, context.DeadlineExceeded) {
			got.err = paas.Errorf(paas.Invalid, "Nobody signed in within %d minutes. Run `crumpet login` again.", browserWithin/time.Minute)
		}
	}
	last, end := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second) // for the page that tells how it went
	defer end()
	if err := web.Shutdown(last); err != nil {
		_ = web.Close() // what is still open is cut
	}
	<-served
	return got.token, got.err
}

// handler takes the browser that knows the state; any other page that asks is sent away.
func (l cliLogin) handler(done chan<- answered) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(l.state)) != 1 {
			tell(w, http.StatusBadRequest, "This is not the sign-in that crumpet waits for.")
			return
		}
		var got answered
		if query.Get("code") == "" {
			got.err = paas.Errorf(paas.Forbidden, "The sign-in was refused in the browser.")
		} else {
			got.token, got.err = l.redeem(r.Context(), query.Get("code"))
		}
		if got.err != nil {
			tell(w, http.StatusOK, "The CLI was not signed in. Its terminal says why.")
		} else {
			tell(w, http.StatusOK, "The CLI is signed in. You can close this window.")
		}
		select {
		case done <- got:
		default: // an answer is on its way
		}
	})
	return mux
}

// tell answers a browser with one sentence.
func tell(w http.ResponseWriter, status int, sentence string) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><title>crumpet</title><p>"+sentence+"</p>\n") // to a browser that may have left
}

// opener is the program that opens a page in the user's browser; "" where there is none to be seen.
func opener() string {
	if runtime.GOOS == "linux" && cmp.Or(os.Getenv("DISPLAY"), os.Getenv("WAYLAND_DISPLAY"), os.Getenv("BROWSER")) == "" {
		return "" // as over SSH: xdg-open would start, and find nothing to show the page on
	}
	for _, name := range []string{"xdg-open", "open"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// open starts the browser. It is not waited for: some openers end with the browser only.
func open(opener, page string) error {
	cmd := exec.Command(opener, page)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// secretText makes 32 random bytes as text that can stand in a URL.
func secretText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// machine is what this machine is called, as far as it can be shown.
func machine() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	return cmp.Or(name[:min(len(name), 50)], "unknown")
}
