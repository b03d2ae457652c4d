package brokertest

import (
	"io"
	"net/http"
	"regexp"
	"sync"
)

// Kind is a request of the specification, by its method and route.
type Kind string

// All requests of version 2.17.
const (
	Catalog       Kind = "GET /v2/catalog"
	Provision     Kind = "PUT instance"
	FetchInstance Kind = "GET instance"
	Update        Kind = "PATCH instance"
	Deprovision   Kind = "DELETE instance"
	PollInstance  Kind = "GET instance operation"
	Bind          Kind = "PUT binding"
	FetchBinding  Kind = "GET binding"
	Unbind        Kind = "DELETE binding"
	PollBinding   Kind = "GET binding operation"
)

// routes are matched on the escaped path, so that an id that is not escaped matches none.
var routes = []struct {
	path *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`^/v2/catalog$`), "/v2/catalog"},
	{regexp.MustCompile(`^/v2/service_instances/[^/]+$`), "instance"},
	{regexp.MustCompile(`^/v2/service_instances/[^/]+/last_operation$`), "instance operation"},
	{regexp.MustCompile(`^/v2/service_instances/[^/]+/service_bindings/[^/]+$`), "binding"},
	{regexp.MustCompile(`^/v2/service_instances/[^/]+/service_bindings/[^/]+/last_operation$`), "binding operation"},
}

// Request is one that came.
type Request struct {
	Kind   Kind // "" for none of the specification's
	Method string
	URI    string // as it stood in the request line
	Header http.Header
	Body   string
}

// Broker is an http.Handler.
type Broker struct {
	mu     sync.Mutex
	script map[Kind][]Answer // guarded by mu
	asked  []Request         // guarded by mu
}

// New makes a Broker without a script.
func New() *Broker { return &Broker{script: map[Kind][]Answer{}} }

// On scripts the answers to a request, in place of those it had.
func (b *Broker) On(kind Kind, answers ...Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script[kind] = answers
}

// Asked gives the requests that came, in their order.
func (b *Broker) Asked() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Request(nil), b.asked...)
}

// Last gives the request that came last; the zero Request where none did.
func (b *Broker) Last() Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		return Request{}
	}
	return b.asked[len(b.asked)-1]
}

// ServeHTTP records the request and gives the next answer.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		http.Error(w, "the body can't be read", http.StatusRequestTimeout)
		return
	}
	asked := Request{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Body: string(body)}
	for _, route := range routes {
		if route.path.MatchString(r.URL.EscapedPath()) {
			asked.Kind = Kind(r.Method + " " + route.name)
		}
	}
	b.next(asked)(w, r)
}

func (b *Broker) next(asked Request) Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, asked)
	answers := b.script[asked.Kind]
	if len(answers) == 0 {
		return JSON(http.StatusNotImplemented, `{"description":"no script"}`)
	}
	if len(answers) > 1 {
		b.script[asked.Kind] = answers[1:]
	}
	return answers[0]
}
