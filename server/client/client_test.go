package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const spec = `app "shop" {
  build { builder = "go" }
  process "web" {
    command = ["./shop"]
    port "http" {}
  }
}`

var artifact = strings.Repeat("a", 64)

func connect(t *testing.T, config client.Config) *client.Client {
	t.Helper()
	if config.Token == "" {
		config.Token = apitest.Token
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve serves an API at addr until stop, which cuts every connection.
func serve(t *testing.T, addr string, handler http.Handler) (url string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	for end := time.Now().Add(10 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); listener, err = net.Listen("tcp", addr) {
		time.Sleep(10 * time.Millisecond) // of a server before it at this address something is still to be closed
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, BaseContext: func(net.Listener) context.Context { return ctx }}}
	server.Start()
	stop = func() { cancel(); server.CloseClientConnections(); server.Close() }
	t.Cleanup(stop)
	return server.URL, stop
}

// ownAddr gives an address for a server that is ended and served again: on a loopback host of its own, and a port
// below those that the system gives away, so that nobody else takes it meanwhile.
func ownAddr() string {
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254), 2000+rand.IntN(7000))
}

func TestCallSurvivesARestartOfTheServer(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	handler := api.New(apitest.Config(t, platform))
	url, stop := serve(t, ownAddr(), handler)
	again := make(chan struct{})
	var tries atomic.Int32
	c := connect(t, client.Config{Addr: url, OnRetry: func(error) {
		if tries.Add(1) == 2 {
			close(again)
		}
	}})
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	answered := make(chan error, 1)
	go func() {
		_, err := c.CreateRelease(t.Context(), "shop", wire.CreateRelease{Source: wire.Source{Spec: spec}, Artifact: artifact})
		answered <- err
	}()
	<-again // the client has found no server, twice
	serve(t, strings.TrimPrefix(url, "http://"), handler)
	if err := <-answered; err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func TestEventsResumeWhereTheyBroke(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	handler := api.New(apitest.Config(t, platform))
	url, stop := serve(t, ownAddr(), handler)
	c := connect(t, client.Config{Addr: url})
	emit := func(message string) {
		platform.Emit(paas.Event{Team: "default", App: "shop", Kind: paas.EventAppChanged, Message: message})
	}
	emit("before")
	after, err := c.LastEvent(t.Context())
	if err != nil || after != 1 {
		t.Fatalf("last event %d, %v", after, err)
	}
	emit("one")
	var got []string
	for e, err := range c.Events(t.Context(), client.EventQuery{App: "shop", After: after}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Message)
		switch e.Message {
		case "one":
			stop()
			emit("two, while the server is away")
			_, stop = serve(t, strings.TrimPrefix(url, "http://"), handler)
		case "two, while the server is away":
			stop()
			serve(t, strings.TrimPrefix(url, "http://"), handler)
			emit("three")
		}
		if e.Message == "three" {
			break
		}
	}
	if diff := cmp.Diff([]string{"one", "two, while the server is away", "three"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, "127.0.0.1:0", api.New(apitest.Config(t, apitest.NewPlatform())))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	var last error
	for _, last = range connect(t, client.Config{Addr: url}).Events(ctx, client.EventQuery{After: -1}) {
		continue
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
}

func TestServerThatNeverAnsweredIsGivenUpSoonAndShowsNoSecret(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c := connect(t, client.Config{Addr: addr, FirstPatience: 50 * time.Millisecond, Patience: time.Hour})
	_, err = c.Whoami(t.Context())
	if paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v", err)
	}
	if text := err.Error(); strings.Contains(text, apitest.Token) || strings.Contains(text, "team=") || !strings.Contains(text, addr) {
		t.Errorf("the error says %q", text)
	}
}

// cut breaks the connection of every call once it was heard.
func cut(t *testing.T) (url string, heard *atomic.Int32) {
	t.Helper()
	heard = new(atomic.Int32)
	url, _ = serve(t, "127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		heard.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	return url, heard
}

func TestOnlyWhatMayBeSaidTwiceIsSaidTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call  func(*client.Client) error
		twice bool
	}{
		"a read": {func(c *client.Client) error { _, err := c.Status(t.Context(), "shop"); return err }, true},
		"a release": {func(c *client.Client) error {
			_, err := c.CreateRelease(t.Context(), "shop", wire.CreateRelease{Source: wire.Source{Spec: spec}, Artifact: artifact})
			return err
		}, true},
		"a forced release": {func(c *client.Client) error {
			_, err := c.CreateRelease(t.Context(), "shop", wire.CreateRelease{Source: wire.Source{Spec: spec}, Artifact: artifact, Force: true})
			return err
		}, false},
		"a restart": {func(c *client.Client) error { _, err := c.Restart(t.Context(), "shop"); return err }, false},
		"an upload": {func(c *client.Client) error {
			_, err := c.Upload(t.Context(), func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, heard := cut(t)
			err := c.call(connect(t, client.Config{Addr: url, FirstPatience: 400 * time.Millisecond}))
			if paas.CodeOf(err) != paas.Unavailable {
				t.Errorf("got %v", err)
			}
			if n := heard.Load(); (n > 1) != c.twice {
				t.Errorf("said %d times", n)
			}
		})
	}
}

func TestAnUploadThatBreaksOffEachTimeIsGivenUp(t *testing.T) {
	t.Parallel()
	url, heard := cut(t)
	c := connect(t, client.Config{Addr: url, FirstPatience: time.Hour, Patience: time.Hour})
	_, err := c.Upload(t.Context(), func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
	if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.MessageOf(err), "broke off 4 times") || heard.Load() != 4 {
		t.Errorf("after %d uploads: %v", heard.Load(), err)
	}
}

func TestProblemsArriveAsTheErrorsTheyWere(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, "127.0.0.1:0", api.New(apitest.Config(t, apitest.NewPlatform())))
	c := connect(t, client.Config{Addr: url})
	_, err := c.Status(t.Context(), "ghost")
	if paas.CodeOf(err) != paas.NotFound || !strings.Contains(paas.MessageOf(err), `no app "ghost"`) {
		t.Errorf("got %v", err)
	}
	_, err = c.CreateRelease(t.Context(), "shop", wire.CreateRelease{Source: wire.Source{Spec: "app \"shop\" {\n  buidl {}\n}"}, Artifact: artifact})
	if paas.CodeOf(err) != paas.Invalid || len(paas.FaultsOf(err)) < 2 {
		t.Errorf("got %v with faults %v", err, paas.FaultsOf(err))
	}
	_, err = connect(t, client.Config{Addr: url, Token: "crumpet_wrong"}).Whoami(t.Context())
	if paas.CodeOf(err) != paas.Unauthorized || strings.Contains(err.Error(), "crumpet_wrong") {
		t.Errorf("got %v", err)
	}
	for _, err := range c.Logs(t.Context(), "ghost", client.LogQuery{}) {
		if paas.CodeOf(err) != paas.NotFound {
			t.Errorf("logs of no app: %v", err)
		}
	}
	for _, app := range []string{"../self", "a/b", "a?b", "%2e%2e"} {
		if _, err := c.App(t.Context(), app); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("app %q: %v", app, err)
		}
	}
}

func TestWhatIsNotCrumpetIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	for status, tries := range map[int]int32{http.StatusNotFound: 1, http.StatusFound: 1, http.StatusOK: 1, http.StatusBadGateway: 2} {
		var heard atomic.Int32
		url, _ := serve(t, "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			heard.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>")
		}))
		_, err := connect(t, client.Config{Addr: url, Patience: 500 * time.Millisecond}).Whoami(t.Context())
		if err == nil || heard.Load() < tries || (tries == 1 && heard.Load() > 1) {
			t.Errorf("%d: %v after %d calls", status, err, heard.Load())
		}
	}
}

func TestAddressesThatCantBe(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"http://user:hunter2@host", "ftp://host", "http://", "http://host?x=hunter2", "http://a b"} {
		_, err := client.New(client.Config{Addr: addr})
		if paas.CodeOf(err) != paas.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := client.New(client.Config{Token: "crumpet_x\r\nHost: y"}); paas.CodeOf(err) != paas.Invalid || strings.Contains(err.Error(), "crumpet_x") {
		t.Errorf("a token of two lines: %v", err)
	}
}
