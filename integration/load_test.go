package integration_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load sends requests for one host to the router at a steady rate. It is bounded in count, and stops
// early only when told to.
type load struct {
	sent, failed atomic.Int64
	mu           sync.Mutex
	faults       map[string]int // guarded by mu
	stop         context.CancelFunc
	done         chan struct{}
}

// startLoad sends at most count requests at rate a second, and counts those that fail: no answer, or
// one of 400 and above.
func startLoad(t testing.TB, router, host string, rate, count int) *load {
	t.Helper()
	return startMixed(t, router, host, rate, count, nil)
}

// slow is what a mixed load asks of the app now and then: an answer that takes two seconds.
const slow = "/slow"

// startMixed is startLoad with other paths among the requests, one path each; every second request of
// those has a connection of its own, while the others keep theirs. No paths: all ask for / and keep it.
func startMixed(t testing.TB, router, host string, rate, count int, paths []string) *load {
	t.Helper()
	if u, err := url.Parse(router); err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatalf("load goes to loopback only, not to %q", router)
	}
	ctx, stop := context.WithCancel(t.Context())
	l := &load{faults: map[string]int{}, stop: stop, done: make(chan struct{})}
	kept := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}}
	fresh := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		defer close(l.done)
		defer kept.CloseIdleConnections()
		var under sync.WaitGroup
		defer under.Wait()
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for i := range count {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			client, path := kept, "/"
			if len(paths) > 0 {
				path = paths[i%len(paths)]
				if i%2 == 1 {
					client = fresh
				}
			}
			under.Go(func() { l.one(client, router+path, host) })
		}
	}()
	t.Cleanup(func() { stop(); <-l.done })
	return l
}

func (l *load) one(client *http.Client, address, host string) {
	l.sent.Add(1)
	req, err := http.NewRequest(http.MethodGet, address, nil) // not bound to ctx: a request under way is let finish
	if err != nil {
		l.fault(err.Error())
		return
	}
	req.Host = host + ":" + req.URL.Port() // as a browser sends it
	answer, err := client.Do(req)
	if err != nil {
		l.fault(err.Error())
		return
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close() // read to its end
	if err != nil || answer.StatusCode >= 400 {
		l.fault(fmt.Sprintf("status %d, %v", answer.StatusCode, err))
	}
}

func (l *load) fault(what string) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[what]++
}

// finish waits until all requests are sent and answered, or stops when enough are, and says what came
// of them.
func (l *load) finish(t testing.TB) {
	t.Helper()
	<-l.done
	l.judge(t)
}

// end stops sending, waits for answers, and says what came of them.
func (l *load) end(t testing.TB) {
	t.Helper()
	l.stop()
	l.finish(t)
}

func (l *load) judge(t testing.TB) {
	t.Helper()
	t.Logf("%d requests, %d failed", l.sent.Load(), l.failed.Load())
	if l.failed.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var kinds []string
	for what, n := range l.faults {
		kinds = append(kinds, fmt.Sprintf("%d x %s", n, what))
	}
	t.Errorf("%d of %d requests failed:\n%s", l.failed.Load(), l.sent.Load(), strings.Join(kinds, "\n"))
}
