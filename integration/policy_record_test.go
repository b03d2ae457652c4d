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
	"testing"
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
	last    int
}

func newRecord() *record {
	return &record{calls: map[string][]call{}, count: map[string]int{}, refused: map[string]int{}}
}

// ids are what differs from one call to the next of its sort.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|_nomad-(task|client|server|check)-[^/?]+`)

// what is the sort of a call.
func (c call) what() string {
	path, _, _ := strings.Cut(c.path, "?")
	return string(c.actor) + " " + c.method + " " + ids.ReplaceAllString(path, "ID")
}

const fewCalls = 6

func (r *record) add(c call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := c.what()
	if c.status == http.StatusForbidden {
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

// recorded reads the start of an answer: its status.
type recorded struct {
	http.ResponseWriter
	status int
}

func (w *recorded) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// proxy hands on to a program what is asked of it, and writes it down as an actor's; "" is nobody, whose calls without a
// token get this one.
func (r *record) proxy(t testing.TB, a actor, to, token, header string) string {
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
		c := call{actor: a, method: req.Method, path: req.URL.RequestURI(), kind: http.Header{}}
		for _, name := range []string{"Content-Type", "Accept-Encoding", "X-Vault-Request"} {
			if value := req.Header.Get(name); value != "" {
				c.kind.Set(name, value)
			}
		}
		if a == "" {
			if req.Header.Get(header) == "" && req.Header.Get("Authorization") == "" {
				req.Header.Set(header, token)
			}
		} else if req.Body != nil && req.Header.Get("Upgrade") == "" {
			c.body, _ = io.ReadAll(req.Body) // what was read goes on; the program finds out what is wrong with it
			req.Body = io.NopCloser(bytes.NewReader(c.body))
			req.ContentLength = int64(len(c.body))
		}
		answer := &recorded{ResponseWriter: w, status: http.StatusOK}
		if a != "" { // a stream may go on for as long as the test does
			defer func() {
				c.status = answer.status
				r.add(c)
			}()
			if req.Header.Get("Upgrade") != "" || strings.Contains(req.URL.Path, "/stream") || strings.Contains(req.URL.Path, "/fs/logs/") {
				begun := c
				begun.status = http.StatusOK
				r.add(begun)
			}
		}
		forward.ServeHTTP(answer, req)
	}))
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}
