package conformance_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// liar changes what passes between a client and a right Consul.
type liar func(r *http.Request, next http.RoundTripper) (*http.Response, error)

func (l liar) RoundTrip(r *http.Request) (*http.Response, error) { return l(r, http.DefaultTransport) }

var passingStatus = regexp.MustCompile(`"Status":\s*"passing"`)

// neverPasses says of each check that it is critical.
func neverPasses(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/v1/health/service/") && r.URL.Query().Has("passing") {
		return answer(r, "[]"), nil
	}
	r.Header.Del("Accept-Encoding") // the text is to be read here
	resp, err := next.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Path, "/v1/health/") {
		return resp, err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	text = passingStatus.ReplaceAll(text, []byte(`"Status":"critical"`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// losesOneWrite says of the first write to a key that it was done, and forgets it.
func losesOneWrite() liar {
	var lost atomic.Bool
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v1/kv/") && lost.CompareAndSwap(false, true) {
			return answer(r, "true"), nil
		}
		return next.RoundTrip(r)
	}
}

func answer(r *http.Request, text string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Consul-Index": {"1"}},
		Body:   io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}
}

// TestConformanceFindsALiar: a stand-in that never passes a check, or loses one write, fails the rows that
// an honest one passes.
func TestConformanceFindsALiar(t *testing.T) {
	t.Parallel()
	honest := start(t, "embedded")
	for name, lie := range map[string]struct {
		liar liar
		rows []string
	}{
		"it never passes a check": {neverPasses, []string{
			"Consul: only passing instances are given to who asks for them",
			"Consul: a tcp check follows the listener",
			"Nomad: an instance that dies leaves Consul",
		}},
		"it loses one write": {nil, []string{
			"Consul: a key is written by compare-and-set",
			"Consul: keys are listed by prefix, in order, and deleted by it",
			"Consul: a reader of a key waits for its change or the end of its time",
		}},
	} {
		for _, row := range lie.rows {
			t.Run(name+"/"+row, func(t *testing.T) {
				t.Parallel()
				r := find(t, row)
				if wrong := r.try(t, honest); wrong != "" {
					t.Fatalf("the honest one fails too: %s", wrong)
				}
				tell := lie.liar
				if tell == nil {
					tell = losesOneWrite() // one for each row
				}
				wrongly := *honest
				wrongly.patience = 10 * time.Second // the honest run of these rows takes one or two
				wrongly.at = maps.Clone(honest.at)
				wrongly.at["consul"] = front(t, honest.at["consul"], tell)
				wrong := r.try(t, &wrongly)
				if wrong == "" {
					t.Error("the row does not notice the lie")
				}
				t.Logf("noticed: %s", wrong)
			})
		}
	}
}

func find(t *testing.T, name string) row {
	t.Helper()
	for _, r := range table() {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("no row %q", name)
	return row{}
}
