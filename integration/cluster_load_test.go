//go:build linux

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clusterLoad is a steady load on several apps by way of all routers of a cluster, as clients send it that know the
// address of each: requests take the routers in turn, and where a connection can't be made the next router is tried. Half
// of the requests keep their connections, as browsers do; the others have one each.
type clusterLoad struct {
	apps    []string          // host names
	routers map[string]string // names by address
	clients []*http.Client    // of each router in turn: one that keeps connections, one that does not
	targets []string          // address of the router that each client tries first
	stop    context.CancelFunc
	done    chan struct{}

	mu  sync.Mutex
	now *era // guarded by mu
}

// Limits of a client: a load balancer's, which has another router to go to.
const (
	connectWithin = time.Second
	answerWithin  = 10 * time.Second
)

// era is a time of the load, such as that of one fault.
type era struct {
	began  time.Time
	under  sync.WaitGroup // requests that are under way
	sent   int            // guarded by the load's mu
	misses []miss         // guarded by the load's mu until it has ended
}

// miss is a request that was not answered with 200.
type miss struct {
	kind  string        // what came instead, and by which router
	app   string        // host name
	kept  bool          // on a connection that had carried others before
	after time.Duration // when it was sent, from the era's begin
	took  time.Duration
}

// startClusterLoad sends rate requests a second until the test ends.
func startClusterLoad(t testing.TB, routers map[string]string, apps []string, rate int) *clusterLoad {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &clusterLoad{apps: apps, routers: routers, stop: stop, done: make(chan struct{}), now: &era{began: time.Now()}}
	addresses := slices.Sorted(maps.Keys(routers))
	for i, first := range addresses {
		order := slices.Concat(addresses[i:], addresses[:i])
		for _, fresh := range []bool{false, true} {
			l.targets = append(l.targets, first)
			l.clients = append(l.clients, &http.Client{Timeout: answerWithin, Transport: &http.Transport{
				DialContext: anyOf(order), DisableKeepAlives: fresh, MaxIdleConnsPerHost: 16,
			}})
		}
	}
	go l.run(ctx, rate)
	t.Cleanup(l.end)
	return l
}

// anyOf connects to the first address that can be connected to.
func anyOf(addresses []string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var failed error
		for _, address := range addresses {
			conn, err := (&net.Dialer{Timeout: connectWithin}).DialContext(ctx, network, address)
			if err == nil {
				return conn, nil
			}
			failed = errors.Join(failed, err)
		}
		return nil, failed
	}
}

func (l *clusterLoad) run(ctx context.Context, rate int) {
	defer close(l.done)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		client, app := i%len(l.clients), l.apps[i/len(l.clients)%len(l.apps)]
		l.mu.Lock()
		e := l.now
		e.sent++
		e.under.Add(1)
		l.mu.Unlock()
		go func() {
			defer e.under.Done()
			l.one(e, client, app)
		}()
	}
}

// one sends a request. It is bound to nothing but its own time: what is under way is let finish.
func (l *clusterLoad) one(e *era, client int, app string) {
	m, began := miss{app: app}, time.Now()
	by := "no router"
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		m.kept = info.Reused
		by = l.routers[info.Conn.RemoteAddr().String()]
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, "http://"+l.targets[client]+"/", nil)
	if err != nil {
		panic(err) // the address is ours
	}
	req.Host = app
	if m.kind = fetched(l.clients[client], req); m.kind == "" {
		return
	}
	m.kind += " by " + by
	m.after, m.took = began.Sub(e.began), time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	e.misses = append(e.misses, m)
}

// fetched sends a request and says what came instead of an answer of 200; "" where that came.
func fetched(client *http.Client, req *http.Request) string {
	answer, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close() // read to its end, or broken
	}
	var timeout net.Error
	var refused *net.OpError
	switch {
	case err == nil && answer.StatusCode == http.StatusOK:
		return ""
	case err == nil:
		return fmt.Sprintf("status %d", answer.StatusCode)
	case errors.As(err, &refused) && refused.Op == "dial":
		return "no connection"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	}
	return "connection broken"
}

// turn begins another era, and gives the one before once all its requests have ended.
func (l *clusterLoad) turn() *era {
	l.mu.Lock()
	before := l.now
	l.now = &era{began: time.Now()}
	l.mu.Unlock()
	before.under.Wait()
	return before
}

// end sends nothing more and waits for what is under way. It may be called twice.
func (l *clusterLoad) end() {
	l.stop()
	<-l.done
	l.turn()
	for _, c := range l.clients {
		c.CloseIdleConnections()
	}
}

// calm says whether nothing was missed for a while: what was sent some seconds before that has its answer.
func (l *clusterLoad) calm() error {
	const long = 3 * time.Second
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.now.misses {
		if since := time.Since(l.now.began) - m.after; since < long {
			return fmt.Errorf("a request to %s failed %s ago: %s", m.app, since.Round(100*time.Millisecond), m.kind)
		}
	}
	return nil
}

// excuse is a sort of miss that lies in the nature of a fault: how many at most, until when, and why.
type excuse struct {
	kind   string // what the miss's kind begins with
	atMost int
	within time.Duration // sent, from the era's begin
	why    string
}

// covers says what is more than the excuse explains, "" for nothing.
func (x excuse) covers(all []miss) string {
	_, last := ends(all)
	switch {
	case len(all) > x.atMost:
		return fmt.Sprintf("that explains %d", x.atMost)
	case last > x.within:
		return fmt.Sprintf("that explains those until %s after", x.within)
	}
	return ""
}

// judge says of each kind of miss how many there were, when and why, and fails the test for those that no excuse covers.
func (e *era) judge(t testing.TB, excuses []excuse) (told []string) {
	t.Helper()
	by := map[string][]miss{}
	for _, m := range e.misses {
		by[m.kind] = append(by[m.kind], m)
	}
	t.Logf("%d requests within %s, %d failed", e.sent, time.Since(e.began).Round(time.Second), len(e.misses))
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		line, all := shown(kind, by[kind]), by[kind]
		i := slices.IndexFunc(excuses, func(x excuse) bool { return strings.HasPrefix(kind, x.kind) })
		switch {
		case i < 0:
			t.Errorf("%s: nothing explains it", line)
		case excuses[i].covers(all) != "":
			t.Errorf("%s: %s; %s", line, excuses[i].why, excuses[i].covers(all))
		default:
			line += ": " + excuses[i].why
			t.Log(line)
		}
		told = append(told, line)
	}
	return told
}

// ends are when the first and the last of misses were sent.
func ends(all []miss) (first, last time.Duration) {
	first, last = all[0].after, all[0].after
	for _, m := range all {
		first, last = min(first, m.after), max(last, m.after)
	}
	return first, last
}

// shown says of misses of a kind when they were sent, how long they took, and on what connections.
func shown(kind string, all []miss) string {
	first, last := ends(all)
	longest, kept := all[0].took, 0
	apps := map[string]bool{}
	for _, m := range all {
		longest = max(longest, m.took)
		apps[m.app] = true
		if m.kept {
			kept++
		}
	}
	return fmt.Sprintf("%d x %s (sent %.1f to %.1f s after, to %d apps, %d on kept connections, %.1f s long at most)",
		len(all), kind, first.Seconds(), last.Seconds(), len(apps), kept, longest.Seconds())
}
