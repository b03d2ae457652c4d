package integration_test

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// call is one that an actor made.
type call struct {
	actor  actor
	method string
	path   string // with its query
	kind   http.Header
	body   []byte
	status int
	number int // of the record
}

// record is what all actors asked: of each sort of call the last few.
type record struct {
	mu      sync.Mutex
	calls   map[string][]call // by what
	count   map[string]int
	refused map[string]int
	streams map[*recorded]string // that are open, by what
	last    int
}

func newRecord() *record {
	return &record{calls: map[string][]call{}, count: map[string]int{}, refused: map[string]int{}, streams: map[*recorded]string{}}
}

// ids are what differs from one call to the next of its sort.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|_nomad-(task|client|server|check)-[^/?]+`)

// what is the sort of a call.
func (c call) what() string {
	path, _, _ := strings.Cut(c.path, "?")
	return string(c.actor) + " " + c.method + " " + ids.ReplaceAllString(path, "ID")
}

const fewCalls = 6

// add writes down a call and its answer. One that was refused counts as such, whatever status that has.
func (r *record) add(c call, refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := c.what()
	if refused {
		r.refused[what]++
		return
	}
	r.count[what]++
	if c.status >= http.StatusInternalServerError {
		return
	}
	list := slices.DeleteFunc(r.calls[what], func(other call) bool { return other.path == c.path && bytes.Equal(other.body, c.body) })
	if len(list) == fewCalls {
		list = list[1:]
	}
	r.last++
	c.number = r.last
	r.calls[what] = append(list, c)
}

func (r *record) opened(w *recorded, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[w] = what
}

func (r *record) closed(w *recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.streams, w)
}

// silent are streams of events that have been open for so long, and nothing has come.
func (r *record) silent(since time.Duration) (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for w, what := range r.streams {
		if w.size.Load() == 0 && time.Since(w.begun) > since {
			list = append(list, what)
		}
	}
	return list
}

// of gives the calls of an actor, in their order.
func (r *record) of(a actor) []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []call
	for _, list := range r.calls {
		for _, c := range list {
			if c.actor == a {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b call) int { return cmp.Compare(a.number, b.number) })
	return all
}

// recorded reads the start of an answer: its status, and what is said of a failure.
type recorded struct {
	http.ResponseWriter
	status int
	size   atomic.Int64
	said   []byte // of a failure
	begun  time.Time
}

func (w *recorded) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorded) Write(p []byte) (int, error) {
	w.size.Add(int64(len(p)))
	if w.status >= http.StatusInternalServerError && len(w.said) < 1<<10 {
		w.said = append(w.said, p...)
	}
	return w.ResponseWriter.Write(p)
}

func (w *recorded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// refusal says whether an answer is that of a program that does not let somebody do a thing: Consul says some of it with
// status 500, in words of its own for each.
func refusal(status int, text string) bool {
	if status < http.StatusInternalServerError {
		return status == http.StatusForbidden
	}
	text = strings.ToLower(text)
	return strings.Contains(text, "permission denied") || strings.Contains(text, "denied by acls") || strings.Contains(text, "denied due to acls")
}

// follows says that a path is Nomad's stream of events. Nomad 2.0 answers it with 200 before it looks at the token: where
// that lacks something no word comes, not even the one every 30 s that shows a stream to be alive.
func follows(path string) bool { return strings.HasPrefix(path, "/v1/event/stream") }

// proxy hands on to a program what is asked of it, and writes it down as that of whoever asks, "" for nobody.
func (r *record) proxy(t testing.TB, to string, who func(*http.Request) actor) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.SetURL(target) },
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := call{actor: who(req), method: req.Method, path: req.URL.RequestURI(), kind: http.Header{}}
		if c.actor == "" {
			forward.ServeHTTP(w, req)
			return
		}
		r.recorded(forward, c, w, req)
	}))
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// recorded hands a call on and writes it down.
func (r *record) recorded(forward http.Handler, c call, w http.ResponseWriter, req *http.Request) {
	for _, name := range []string{"Content-Type", "Accept-Encoding", "X-Vault-Request"} {
		if value := req.Header.Get(name); value != "" {
			c.kind.Set(name, value)
		}
	}
	if req.Body != nil && req.Header.Get("Upgrade") == "" {
		c.body, _ = io.ReadAll(req.Body) // what was read goes on; the program finds out what is wrong with it
		req.Body = io.NopCloser(bytes.NewReader(c.body))
		req.ContentLength = int64(len(c.body))
	}
	answer := &recorded{ResponseWriter: w, status: http.StatusOK, begun: time.Now()}
	if follows(c.path) {
		r.opened(answer, c.what())
	}
	defer func() {
		r.closed(answer)
		c.status = answer.status
		ended := follows(c.path) && answer.size.Load() == 0 && req.Context().Err() == nil
		r.add(c, ended || refusal(answer.status, string(answer.said)))
	}()
	if req.Header.Get("Upgrade") != "" || strings.Contains(req.URL.Path, "/stream") || strings.Contains(req.URL.Path, "/fs/logs/") {
		begun := c // it may go on for as long as the test does
		begun.status = http.StatusOK
		r.add(begun, false)
	}
	forward.ServeHTTP(answer, req)
}
