package conformance_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// shapes are the paths of each part. ":x" stands for one segment, "*x" for all that follow.
var shapes = map[string][]string{
	"nomad": {
		"/v1/status/leader", "/v1/operator/autopilot/health", "/v1/agent/self", "/v1/nodes", "/v1/node/:id", "/v1/node/:id/drain", "/v1/node/:id/eligibility", "/v1/namespaces", "/v1/namespace", "/v1/namespace/:name",
		"/v1/jobs", "/v1/validate/job", "/v1/job/:id", "/v1/job/:id/plan", "/v1/job/:id/evaluate", "/v1/job/:id/periodic/force", "/v1/job/:id/summary", "/v1/job/:id/versions", "/v1/job/:id/allocations",
		"/v1/job/:id/evaluations", "/v1/job/:id/deployments", "/v1/evaluations", "/v1/evaluation/:id", "/v1/allocations", "/v1/allocation/:id", "/v1/allocation/:id/stop", "/v1/client/allocation/:id/exec", "/v1/client/allocation/:id/stats",
		"/v1/volumes", "/v1/volume/host/create", "/v1/volume/host/:id", "/v1/event/stream", "/v1/client/fs/logs/:id", "/v1/client/fs/ls/:id", "/v1/client/fs/stream/:id", "/v1/client/fs/stat/:id",
		"/v1/var/*path",
	},
	"consul": {
		"/v1/status/leader", "/v1/operator/autopilot/health", "/v1/agent/members", "/v1/kv/*key", "/v1/session/create", "/v1/session/destroy/:id", "/v1/session/info/:id", "/v1/session/renew/:id",
		"/v1/agent/service/register", "/v1/agent/service/:id", "/v1/agent/service/deregister/:id", "/v1/agent/check/update/:id", "/v1/agent/services",
		"/v1/health/service/:name", "/v1/health/checks/:name", "/v1/health/state/:state", "/v1/catalog/services", "/v1/catalog/service/:name",
	},
	"vault": {
		"/v1/sys/health", "/v1/sys/seal-status", "/v1/sys/mounts", "/v1/sys/mounts/:mount", "/v1/sys/policies/acl/:name", "/v1/auth/token/create",
		"/v1/auth/token/create-orphan", "/v1/auth/token/lookup-self", "/v1/auth/token/renew-self",
		"/v1/sys/auth/:mount", "/v1/auth/:mount/config", "/v1/auth/:mount/role/:name", "/v1/auth/:mount/login", "/v1/:mount/destroy/*path",
		"/v1/auth/token/revoke", "/v1/auth/token/revoke-self", "/v1/sys/leases/lookup", "/v1/sys/leases/lookup/*prefix", "/v1/sys/leases/renew", "/v1/sys/leases/revoke",
		"/v1/sys/leases/revoke/*id", "/v1/sys/leases/revoke-prefix/*prefix", "/v1/sys/leases/revoke-force/*prefix",
		"/v1/:mount/data/*path", "/v1/:mount/metadata/*path",
		"/v1/:mount/config", "/v1/:mount/config/:name", "/v1/:mount/roles", "/v1/:mount/roles/:name", "/v1/:mount/rotate-root/:name", "/v1/:mount/creds/:role",
	},
	"fabio":  {"/api/routes", "/api/config", "/api/version", "/health"},
	"router": {"/*path"},
}

// call names a request: METHOD, path with its ids replaced, and the names of its parameters. A path that is
// in no shape names itself.
func call(part string, r *http.Request) string {
	name := r.Method + " " + shape(part, r.URL.EscapedPath())
	if keys := keysOf(r.URL.Query()); len(keys) > 0 {
		name += "?" + strings.Join(keys, "&")
	}
	return part + " " + name
}

func keysOf(q url.Values) (keys []string) {
	for key := range q {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func shape(part, path string) string {
	for _, s := range shapes[part] {
		if fits(s, path) {
			return s
		}
	}
	return path
}

func fits(shape, path string) bool {
	want, got := strings.Split(shape, "/"), strings.Split(path, "/")
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "*"):
			return len(got) > i
		case i >= len(got):
			return false
		case !strings.HasPrefix(w, ":") && w != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}

// record is the calls that were made.
type record struct {
	mu   sync.Mutex
	seen map[string]int
}

func (r *record) add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	r.seen[name]++
}

func (r *record) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[name] > 0
}

// names are the calls, sorted.
func (r *record) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name := range r.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// recorder writes down what passes through it.
type recorder struct {
	part string
	into *record
	next http.RoundTripper
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.into.add(call(r.part, req))
	return r.next.RoundTrip(req)
}
