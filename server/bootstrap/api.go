package bootstrap

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

// Request is one call to the HTTP API of a program on a machine.
type Request struct {
	Machine string
	Program fleet.Name
	Method  string
	Path    string // with the query: "/v1/agent/self"
	Token   string // "" for the one that is kept of the program
	NoToken bool   // none at all
	In      any    // sent as JSON; []byte as it is
	Out     any    // filled from JSON; *[]byte gets the body as it is
}

// Ports under which the APIs are reached on a machine's own address, over TLS with a client certificate.
var apiPorts = map[fleet.Name]int{fleet.Consul: 8501, fleet.Nomad: 4646, fleet.Vault: 8200}

// tokenHeaders is how each program wants its token, and under which name that is kept.
var tokenHeaders = map[fleet.Name][2]string{
	fleet.Consul: {"X-Consul-Token", KeptConsulToken},
	fleet.Nomad:  {"X-Nomad-Token", KeptNomadToken},
	fleet.Vault:  {"X-Vault-Token", KeptVaultToken},
}

const (
	callLimit    = 30 * time.Second // of a call whose context has no deadline
	answerLimit  = 64 << 20
	refusalLimit = 400 // of the text of a refusal
)

// Call asks the program's API on a machine with the token that is kept of it. Codes: unavailable where nobody answers or
// the program can't now (5xx), forbidden, not_found, conflict, limited; invalid for another refusal.
func (w *World) Call(ctx context.Context, machine string, p fleet.Name, method, path string, in, out any) error {
	return w.Send(ctx, Request{Machine: machine, Program: p, Method: method, Path: path, In: in, Out: out})
}

// Send is Call with all that can be said of a request. The connection begins on the machine and is made for this one
// call: the client certificate is signed on the fly, lives for an hour and is never written down.
func (w *World) Send(ctx context.Context, r Request) error {
	m, host, err := w.Machine(r.Machine)
	if err != nil {
		return err
	}
	port, ok := apiPorts[r.Program]
	if !ok {
		return paas.Errorf(paas.Internal, "%s has no API that up calls", r.Program)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callLimit)
		defer cancel()
	}
	address := net.JoinHostPort(m.Address, strconv.Itoa(port))
	request, err := w.request(ctx, address, r)
	if err != nil {
		return err
	}
	transport, err := w.transport(m, host, address)
	if err != nil {
		return err
	}
	transport.DisableKeepAlives = true
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return &paas.Error{Code: paas.Unavailable, Err: ctx.Err(), Message: fmt.Sprintf("%s on %s does not answer %s %s: %s",
			r.Program, r.Machine, r.Method, plainPath(r.Path), w.Kept.scrub(withoutURL(err).Error()))}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, refusalLimit))
		return paas.Errorf(refusalCode(response.StatusCode), "%s on %s answers %s %s with %d: %s", r.Program, r.Machine, r.Method, plainPath(r.Path),
			response.StatusCode, w.Kept.scrub(strings.Join(strings.Fields(string(text)), " ")))
	}
	if err := readAnswer(response.Body, r.Out); err != nil {
		return paas.Wrap(paas.Unavailable, err, "the answer of %s on %s to %s %s can't be read", r.Program, r.Machine, r.Method, plainPath(r.Path))
	}
	return nil
}

func (w *World) request(ctx context.Context, address string, r Request) (*http.Request, error) {
	var body io.Reader
	switch in := r.In.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(in)
	default:
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", r.Method, plainPath(r.Path), err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, "https://"+address+r.Path, body)
	if err != nil {
		return nil, fmt.Errorf("make %s %s: %w", r.Method, plainPath(r.Path), err)
	}
	header := tokenHeaders[r.Program]
	token := r.Token
	if token == "" {
		token = w.Kept.Get(header[1])
	}
	if token != "" && !r.NoToken {
		request.Header.Set(header[0], token)
	}
	return request, nil
}

// transport makes connections to one API that begin on its machine, whatever host a request names.
func (w *World) transport(m fleet.Machine, host Host, address string) (*http.Transport, error) {
	config, err := w.clientTLS(m.Address)
	if err != nil {
		return nil, err
	}
	return &http.Transport{TLSClientConfig: config, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return host.Dial(ctx, network, address)
	}}, nil
}

// clientTLS believes the fleet's authority only, and shows a certificate of an operator, made for each connection: some
// last for hours.
func (w *World) clientTLS(address string) (*tls.Config, error) {
	ca, err := w.Authority()
	if err != nil {
		return nil, err
	}
	shown := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, key, err := ca.Issue(pki.Leaf{Name: certHolder, Life: time.Hour}, w.Now())
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("read own certificate: %w", err)
		}
		return &pair, nil
	}
	return &tls.Config{RootCAs: ca.Pool(), GetClientCertificate: shown, ServerName: address, MinVersion: tls.VersionTLS12, Time: w.Now}, nil
}

// Authority reads the fleet's own CA. Code not_found before step "authority" made it.
func (w *World) Authority() (pki.Authority, error) {
	text := w.Kept.Get(KeptCA)
	if text == "" {
		return pki.Authority{}, paas.Errorf(paas.NotFound, "The cluster has no certificate authority yet: step authority makes it")
	}
	return pki.Parse(text)
}

// Machine gives one by name, and how it is reached.
func (w *World) Machine(name string) (fleet.Machine, Host, error) {
	for _, m := range w.Fleet.Machines {
		if host := w.Hosts[name]; m.Name == name && host != nil {
			return m, host, nil
		}
	}
	return fleet.Machine{}, nil, paas.Errorf(paas.NotFound, "Machine %q is not one of cluster %s", name, w.Fleet.Name)
}

func readAnswer(body io.Reader, out any) error {
	text, err := io.ReadAll(io.LimitReader(body, answerLimit))
	if err != nil || out == nil {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = text
		return nil
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

func refusalCode(status int) paas.Code {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return paas.Forbidden
	case status == http.StatusNotFound:
		return paas.NotFound
	case status == http.StatusConflict:
		return paas.Conflict
	case status == http.StatusTooManyRequests:
		return paas.Limited
	case status >= http.StatusInternalServerError:
		return paas.Unavailable
	}
	return paas.Invalid
}

// plainPath is a path as an error may show it: what stands in a query is left out.
func plainPath(path string) string {
	plain, _, _ := strings.Cut(path, "?")
	return plain
}

// names are those under which something is kept and that begin so, in order.
func (k *Kept) names(prefix string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for name := range k.values {
		if strings.HasPrefix(name, prefix) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// scrub takes what is kept out of a text that others wrote.
func (k *Kept) scrub(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, value := range k.values {
		if value != "" {
			text = strings.ReplaceAll(text, value, "[redacted]")
		}
	}
	return text
}

// withoutURL leaves out the whole address, which may have a query.
func withoutURL(err error) error {
	if call, ok := errors.AsType[*url.Error](err); ok {
		return call.Err
	}
	return err
}
