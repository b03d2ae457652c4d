package fabio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// closed is the address of a router that was killed.
func closed() string {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return s.URL
}

func TestOnlyARouterThatServesNobodyIsGone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ill      bool
		refusing time.Duration
		gone     bool
	}{
		"killed":                               {ill: true, refusing: fabio.Refusing, gone: true},
		"registered, and not listening yet":    {ill: true, refusing: 50 * time.Millisecond},
		"out of reach from here only":          {refusing: time.Hour},
		"well, or stuck: it refuses nothing":   {ill: true},
		"killed, before its check has noticed": {refusing: 3 * time.Second},
	} {
		if got := fabio.Gone(tt.ill, tt.refusing); got != tt.gone {
			t.Errorf("%s: gone %t", name, got)
		}
	}
}

func TestARouterThatWasKilledHoldsNobodyForLong(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	well, killed := server(t, says(routes)), closed()
	found := []fabio.Router{{Address: well}, {Address: strings.TrimPrefix(killed, "http://")}}
	c := client(t, fabio.Config{
		Discover: func(context.Context) ([]fabio.Router, error) { return found, nil }, Now: func() time.Time { return now },
	})
	look := func(when string, known bool) {
		t.Helper()
		tables, err := c.Tables(t.Context())
		if len(tables) != 1 || (err == nil) != known || (!known && !strings.Contains(paas.MessageOf(err), killed+" refuses connections")) {
			t.Errorf("%s: %d tables, error %v", when, len(tables), err)
		}
	}
	look("at once", false)
	now = now.Add(10 * time.Second)
	look("while its check passes", false)
	found[1].Ill = true
	look("when its check has failed", true)
	if err := c.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), killed) {
		t.Errorf("nobody is told that it is missing: %v", err)
	}
	if _, err := c.Counters(t.Context()); err == nil || strings.Contains(err.Error(), killed) {
		t.Errorf("its counters are waited for: %v", err) // the other has none either
	}
	found = found[:1] // Consul has forgotten it
	look("and is forgotten", true)
	found = append(found, fabio.Router{Address: killed, Ill: true}) // and it is started anew
	look("when it is about to serve again", false)
	found = found[1:]
	now = now.Add(time.Hour)
	if tables, err := c.Tables(t.Context()); err == nil {
		t.Errorf("with no router but one that is gone: %d tables and no error", len(tables))
	}
}

// A router that was stopped (SIGSTOP) takes connections and says nothing: it may go on at any moment, and then it
// serves by the table that it had.
func TestARouterThatSaysNothingHoldsEverybody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	stuck := server(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	began := time.Now()
	var looks atomic.Int64
	c := client(t, fabio.Config{
		Addresses: []string{server(t, says(routes))}, Now: func() time.Time { return began.Add(time.Duration(looks.Add(1)) * time.Minute) },
		Discover: func(context.Context) ([]fabio.Router, error) {
			return []fabio.Router{{Address: stuck, Ill: true}}, nil
		},
	})
	for range 2 {
		if _, err := c.Tables(t.Context()); err == nil || !strings.Contains(paas.MessageOf(err), stuck+" does not answer within 3s, and may still lead clients") {
			t.Errorf("error %v", err)
		}
	}
}
