package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// committed is a platform that knows which apps have changed since when.
type committed struct {
	*apitest.Platform
	mu  sync.Mutex // guards log
	log []paas.AppRef
}

func (c *committed) Changed(_ context.Context, since int64) ([]paas.AppRef, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log[since:]), int64(len(c.log)), nil
}

// commit changes apps, and wakes whoever waits for that.
func (c *committed) commit(refs ...paas.AppRef) {
	c.mu.Lock()
	c.log = append(c.log, refs...)
	c.mu.Unlock()
	c.Emit(paas.Event{Kind: paas.EventBackendState, Message: "something"})
}

func changing(t *testing.T, edit func(*api.Config)) (*committed, string) {
	t.Helper()
	platform := &committed{Platform: apitest.NewPlatform()}
	platform.log = []paas.AppRef{{Team: "default", App: "old"}}
	config := apitest.Config(t, platform.Platform)
	config.Store = platform
	if edit != nil {
		edit(&config)
	}
	return platform, apitest.Start(t, config).URL
}

// word reads the data of the next event of a kind.
func word[T any](t *testing.T, r *reader, kind string) (data T) {
	t.Helper()
	r.until("event: " + kind)
	text := strings.TrimPrefix(r.until("data: "), "data: ")
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return data
}

func TestAStreamTellsWhichAppsHaveChanged(t *testing.T) {
	t.Parallel()
	platform, url := changing(t, nil)
	one := listen(t, url+"/v1/events?changes=true&team=red", "")
	every := listen(t, url+"/v1/events?changes=true&team=*", "")
	app := listen(t, url+"/v1/events?changes=true&team=red&app=b", "")
	for _, r := range []*reader{one, every, app} {
		word[wire.Beat](t, r, wire.StreamBeat) // it has begun
	}
	platform.commit(paas.AppRef{Team: "red", App: "a"}, paas.AppRef{Team: "blue", App: "c"}, paas.AppRef{Team: "red", App: "b"})
	for r, want := range map[*reader][]string{one: {"red/a", "red/b"}, every: {"red/a", "blue/c", "red/b"}, app: {"red/b"}} {
		if diff := cmp.Diff(wire.Changed{Apps: want}, word[wire.Changed](t, r, wire.StreamChanged)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestChangesComeTogetherNoOftenerThanEachSecond(t *testing.T) {
	t.Parallel()
	platform, url := changing(t, nil)
	r := listen(t, url+"/v1/events?changes=true&team=*", "")
	word[wire.Beat](t, r, wire.StreamBeat)
	told := map[string]bool{}
	var last time.Time
	for n := range 40 {
		platform.commit(paas.AppRef{Team: "default", App: fmt.Sprintf("app-%d", n)})
	}
	for len(told) < 40 {
		changed := word[wire.Changed](t, r, wire.StreamChanged)
		if now := time.Now(); now.Sub(last) < 800*time.Millisecond { // the network may bring one late
			t.Errorf("a word %s after the one before", now.Sub(last))
		} else {
			last = now
		}
		for _, app := range changed.Apps {
			if told[app] {
				t.Errorf("%s is told of twice", app)
			}
			told[app] = true
		}
	}
}

func TestAStreamThatAskedForNoChangesHasNone(t *testing.T) {
	t.Parallel()
	platform, url := changing(t, func(c *api.Config) { c.Heartbeat = 50 * time.Millisecond })
	r := listen(t, url+"/v1/events?team=*", "")
	r.until("id: ")
	platform.commit(paas.AppRef{Team: "default", App: "a"})
	platform.Emit(event("shop", "the end"))
	for r.lines.Scan() {
		if line := r.lines.Text(); strings.HasPrefix(line, "event: "+wire.StreamChanged) || strings.HasPrefix(line, "event: "+wire.StreamBeat) {
			t.Fatalf("it has %q", line)
		} else if strings.Contains(line, "the end") {
			return
		}
	}
	t.Fatal("the stream ended")
}

// broken is a store whose backends can't be read.
type broken struct{ *committed }

func (broken) Backends(context.Context) ([]paas.Backend, error) {
	return nil, paas.Errorf(paas.Unavailable, "Crumpet's database does not answer now.")
}

func TestABeatSaysWhatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	_, url := changing(t, func(c *api.Config) { c.Beat = 20 * time.Millisecond })
	r := listen(t, url+"/v1/events?changes=true", "")
	first := word[wire.Beat](t, r, wire.StreamBeat)
	want := []wire.Silent{{Name: "fabio", Since: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Reason: "The router at http://10.0.0.1:9998 refuses connections."}}
	if diff := cmp.Diff(want, first.Backends); diff != "" {
		t.Error(diff)
	}
	if second := word[wire.Beat](t, r, wire.StreamBeat); !second.Time.After(first.Time) {
		t.Errorf("a beat at %s after one at %s", second.Time, first.Time)
	}

	_, url = changing(t, func(c *api.Config) { c.Store = broken{c.Store.(*committed)} })
	got := word[wire.Beat](t, listen(t, url+"/v1/events?changes=true", ""), wire.StreamBeat)
	if len(got.Backends) != 1 || got.Backends[0].Name != "store" || got.Backends[0].Since.IsZero() {
		t.Errorf("a store that does not answer: %+v", got.Backends)
	}
}

func TestWithoutALeaderWhatIsShownIsOld(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	lost := paas.Server{Name: "north", State: paas.ServerLost, Epoch: 7, SeenAt: seen}
	follower := paas.Server{Name: "south", State: paas.ServerFollower, Epoch: 3, SeenAt: seen.Add(time.Minute)}
	leader := paas.Server{Name: "west", State: paas.ServerLeader, Epoch: 8, SeenAt: seen}
	got := api.SilentOf(nil, []paas.Server{follower, lost})
	if len(got) != 1 || got[0].Name != "leader" || !got[0].Since.Equal(seen) || got[0].Reason == "" {
		t.Errorf("without a leader: %+v", got)
	}
	if got := api.SilentOf(nil, []paas.Server{follower, lost, leader}); got == nil || len(got) != 0 {
		t.Errorf("with one: %#v", got)
	}
}

func TestRatesComeWhenTheyMove(t *testing.T) {
	t.Parallel()
	_, url := changing(t, func(c *api.Config) { c.Beat = 20 * time.Millisecond })
	apitest.Call(t, "POST", url+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	r := listen(t, url+"/v1/events?changes=true", "")
	got := word[wire.Rates](t, r, wire.StreamRates)
	if diff := cmp.Diff([]wire.Rate{{App: "default/shop", Rate: 10, Errors: 0.05}}, got.Items); diff != "" {
		t.Error(diff)
	}
	for range 5 { // beats without a word of rates: they are as they were
		line := r.until("event: ")
		if line != "event: "+wire.StreamBeat {
			t.Errorf("it says %q", line)
		}
	}
}
