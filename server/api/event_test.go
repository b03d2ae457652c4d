package api_test

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// reader reads a stream's lines until the test ends.
type reader struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func listen(t *testing.T, url, lastID string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+apitest.Token)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() }) // the stream is just left
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: %d %q", url, answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return &reader{t, bufio.NewScanner(answer.Body), cancel}
}

// until reads lines until one begins with prefix.
func (r *reader) until(prefix string) string {
	r.t.Helper()
	for r.lines.Scan() {
		if strings.HasPrefix(r.lines.Text(), prefix) {
			return r.lines.Text()
		}
	}
	r.t.Fatalf("the stream ended before a line %q: %v", prefix, r.lines.Err())
	return ""
}

func event(app, message string) paas.Event {
	return paas.Event{Team: "default", App: app, Kind: paas.EventAppChanged, Message: message}
}

func TestEventsResumeAfterTheLastOneSeen(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	for i := range 500 { // more than one batch
		platform.Emit(event("shop", "old "+strconv.Itoa(i)))
	}
	for name, c := range map[string]struct{ url, header, id, data string }{
		"from the beginning":   {"/v1/events?after=0", "", "id: 1", "old 0"},
		"after one":            {"/v1/events?after=300", "", "id: 301", "old 300"},
		"by the header":        {"/v1/events", "499", "id: 500", "old 499"},
		"the header over both": {"/v1/events?after=3", "499", "id: 500", "old 499"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := listen(t, server.URL+c.url, c.header)
			r.until("id: ") // where the stream begins
			if id := r.until("id: "); id != c.id {
				t.Errorf("first event has %q, want %q", id, c.id)
			}
			if kind := r.until("event: "); kind != "event: app.changed" {
				t.Errorf("%q", kind)
			}
			if data := r.until("data: "); !strings.Contains(data, c.data) {
				t.Errorf("%q, want %q", data, c.data)
			}
			if c.id != "id: 500" {
				r.until("id: 500")
			}
		})
	}
}

func TestEventsBeginNowUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	platform.Emit(event("shop", "before"))
	r := listen(t, server.URL+"/v1/events?app=shop", "")
	if id := r.until("id: "); id != "id: 1" {
		t.Errorf("a reader that loses the stream now would resume after %q, want 1", id)
	}
	platform.Emit(event("other", "another app's"), event("shop", "after"))
	if data := r.until("data: "); !strings.Contains(data, `"after"`) {
		t.Errorf("%s", data)
	}
}

func TestEventsOfOneTeamOnly(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	foreign := event("shop", "foreign")
	foreign.Team = "others"
	platform.Emit(foreign, event("shop", "mine"))
	if data := listen(t, server.URL+"/v1/events?after=0", "").until("data: "); !strings.Contains(data, "mine") {
		t.Errorf("%s", data)
	}
	if data := listen(t, server.URL+"/v1/events?after=0&team=*", "").until("data: "); !strings.Contains(data, "foreign") {
		t.Errorf("%s", data)
	}
}

func TestQuietStreamBeats(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	config.Heartbeat = 10 * time.Millisecond
	r := listen(t, apitest.Start(t, config).URL+"/v1/events", "")
	r.until(":")
	r.until(":")
}

// deaf is a hub that never wakes anybody.
type deaf struct{}

func (deaf) Subscribe(context.Context) <-chan struct{} { return nil }

func TestLostWakeUpCostsOneHeartbeat(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	config := apitest.Config(t, platform)
	config.Heartbeat, config.Hub = 20*time.Millisecond, deaf{}
	r := listen(t, apitest.Start(t, config).URL+"/v1/events", "")
	r.until("id: 0")
	platform.Emit(event("shop", "unheard"))
	r.until("data: ")
}

func TestReaderThatDoesNotReadIsDropped(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	config := apitest.Config(t, platform)
	config.WriteWithin = 50 * time.Millisecond
	ended := make(chan struct{})
	handler := api.New(config)
	server := startHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		close(ended)
	}))
	long := strings.Repeat("x", 1<<16)
	for range 400 { // more than the sockets' buffers hold
		platform.Emit(event("shop", long))
	}
	listen(t, server.URL+"/v1/events?after=0", "") // and reads nothing
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the server still writes to a reader that does not read")
	}
}

func TestLogsComeInOrderAndEnd(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	platform.SetLines(
		paas.LogLine{Instance: "i1", Process: "web", Stream: "stdout", Text: "one"},
		paas.LogLine{Instance: "i2", Process: "worker", Stream: "stderr", Text: "two"},
	)
	_, text := apitest.Call(t, "GET", server.URL+"/v1/apps/shop/logs", nil)
	first, second := strings.Index(string(text), `"one"`), strings.Index(string(text), `"two"`)
	if first < 0 || second < first || !strings.HasSuffix(string(text), "event: end\ndata: {}\n\n") {
		t.Errorf("%s", text)
	}
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/shop/logs?process=worker", nil)
	if strings.Contains(string(text), `"one"`) || !strings.Contains(string(text), `"two"`) {
		t.Errorf("only worker: %s", text)
	}
	r := listen(t, server.URL+"/v1/apps/shop/logs?follow=true", "")
	r.until(`data: {"source":"","name":"","instance":"i2"`)
	r.cancel()
}

func TestHistoryAndTheStreamAfterItHaveNoGapAndNoRepeat(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	for n := range 2500 { // several pages
		platform.Emit(event([]string{"shop", "other"}[n%2], "message "+strconv.Itoa(n)))
	}
	c := connect(t, server.URL)
	list, until, err := c.History(t.Context(), client.EventQuery{App: "shop"})
	if err != nil || len(list) != 1250 || list[0].ID != 1 || list[1249].ID != 2499 || until != 2500 {
		t.Fatalf("history: %d events until %d: %v; want 1250 until 2500", len(list), until, err)
	}
	platform.Emit(event("shop", "later"))
	for e, err := range c.Events(t.Context(), client.EventQuery{App: "shop", After: until}) {
		if err != nil || e.Message != "later" {
			t.Errorf("the stream begins with %+v: %v", e, err)
		}
		break
	}
}

func TestHistoryIsNarrowed(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	began := time.Now()
	foreign := event("shop", "foreign")
	foreign.Team = "others"
	crash := event("shop", "crash")
	crash.Kind = paas.EventInstanceCrash
	platform.Emit(event("shop", "a"), event("shop", "b"), crash, foreign, paas.Event{Kind: paas.EventBackendState, Message: "sealed"})
	c := connect(t, server.URL)
	for name, test := range map[string]struct {
		query client.EventQuery
		want  string
	}{
		"the last":         {client.EventQuery{App: "shop", Last: 2}, "b crash"},
		"a kind":           {client.EventQuery{Kinds: []string{"instance.crash"}}, "crash"},
		"a noun":           {client.EventQuery{Kinds: []string{"instance", "backend"}, Platform: true}, "crash sealed"},
		"every team":       {client.EventQuery{Team: "*"}, "a b crash foreign sealed"},
		"of no app":        {client.EventQuery{Platform: true, Last: 2}, "crash sealed"},
		"since the start":  {client.EventQuery{Since: began}, "a b crash"},
		"since in an hour": {client.EventQuery{Since: began.Add(time.Hour)}, ""},
	} {
		list, _, err := c.History(t.Context(), test.query)
		var words []string
		for _, e := range list {
			words = append(words, e.Message)
		}
		if got := strings.Join(words, " "); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
	if _, _, err := c.History(t.Context(), client.EventQuery{Kinds: []string{"nonsense"}}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("an unknown kind: %v, want invalid", err)
	}
}

func connect(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Addr: url, Token: apitest.Token, Team: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
