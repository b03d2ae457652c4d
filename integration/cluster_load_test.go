//go:build linux

package integration_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// evenLoad asks apps in turn, at a steady rate, by way of all routers: an address that does not take the connection is
// passed over for the next, as a browser does with a name that has several addresses. What went over a connection is
// never sent again: whatever fails from then on is a failure.
type evenLoad struct {
	sent   atomic.Int64
	mu     sync.Mutex
	faults []loadFault // guarded by mu
	passed int         // guarded by mu: routers passed over
	stop   context.CancelFunc
	done   chan struct{}
}

// loadFault is a request that failed.
type loadFault struct {
	at   time.Time
	host string
	what string
}

// startEvenLoad asks the hosts until it is ended, and at most for an hour.
func startEvenLoad(t testing.TB, routers, hosts []string, rate int) *evenLoad {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	l := &evenLoad{stop: cancel, done: make(chan struct{})}
	var turn atomic.Int64
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     2 * time.Second,
		DisableKeepAlives:   true, // each request finds out for itself which router is there
		DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
			first := int(turn.Add(1))
			for i := range routers {
				conn, err = (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", routers[(first+i)%len(routers)])
				if err == nil {
					return conn, nil
				}
				l.mu.Lock()
				l.passed++
				l.mu.Unlock()
			}
			return nil, err
		},
	}}
	go func() {
		defer close(l.done)
		var under sync.WaitGroup
		defer under.Wait()
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			under.Go(func() { l.one(client, hosts[i%len(hosts)]) })
		}
	}()
	t.Cleanup(func() { cancel(); <-l.done })
	return l
}

func (l *evenLoad) one(client *http.Client, host string) {
	l.sent.Add(1)
	at := time.Now()
	what := ask(client, "http://"+host+"/")
	if what == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, loadFault{at, host, what})
}

// ask says why there was no good answer, "" when there was one.
func ask(client *http.Client, address string) string {
	answer, err := client.Get(address) //nolint:noctx // a request under way is let finish
	if err != nil {
		return err.Error()
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close() // read to its end
	switch {
	case err != nil:
		return err.Error()
	case answer.StatusCode >= 400:
		return answer.Status
	}
	return ""
}

// count is how many were sent and how many failed until now.
func (l *evenLoad) count() (sent, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.sent.Load()), len(l.faults)
}

// since tells what failed after the first n faults, by kind, with when the first and the last of them was sent after begin.
func (l *evenLoad) since(n int, begin time.Time) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := map[string][]loadFault{}
	for _, f := range l.faults[n:] {
		kinds[f.what] = append(kinds[f.what], f)
	}
	var text string
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		all := kinds[what]
		text += fmt.Sprintf("\n    %4d from %.1f s to %.1f s: %s", len(all), all[0].at.Sub(begin).Seconds(), all[len(all)-1].at.Sub(begin).Seconds(), what)
	}
	return text
}

// end stops it and waits for what is under way.
func (l *evenLoad) end() {
	l.stop()
	<-l.done
}
