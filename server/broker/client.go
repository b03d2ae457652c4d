package broker

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	// Version is that of the specification, sent with each request.
	Version = "2.17"
	// Platform is what brokers know us as, in the context and in the originating identity alike.
	Platform = "crumpet"

	callTimeout    = 60 * time.Second // what the specification calls typical
	longestAnswer  = 1 << 20          // bytes
	longestCatalog = 8 << 20          // a plan may hold three schemas of 64 kB
)

// Config says where a broker is and how to speak to it.
type Config struct {
	Name               string      // what users call it; in every sentence
	URL                string      // a path is kept; user and password do not belong in it
	Username, Password string      // basic authentication
	Token              string      // bearer, in its place
	TLS                *tls.Config // for a broker with a certificate of its own; nil for the system's roots

	Timeout time.Duration    // of one call, 60 s by default
	Now     func() time.Time // time.Now by default
	NewID   func() string    // of requests that have none; random by default
}

// Client speaks to one broker.
type Client struct {
	cfg     Config
	base    string // without a slash at its end
	http    *http.Client
	secrets *strings.Replacer // takes what we authenticate with out of what a broker says
}

// New makes a Client; nothing is sent yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil: // its text holds the URL
		return nil, paas.Errorf(paas.Invalid, "The URL of broker %q can't be read. Give one such as https://broker.example.com.", cfg.Name)
	case u.User != nil:
		return nil, paas.Errorf(paas.Invalid, "The URL of broker %q holds a user or password. Give them apart from it.", cfg.Name)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, paas.Errorf(paas.Invalid, "The URL of broker %q is not one such as https://broker.example.com, without ? and #.", cfg.Name)
	case cfg.Token != "" && (cfg.Username != "" || cfg.Password != ""):
		return nil, paas.Errorf(paas.Invalid, "Broker %q has both a token and a user. Give one of them.", cfg.Name)
	case strings.ContainsFunc(cfg.Token, unicode.IsControl) || strings.Contains(cfg.Username, ":"):
		return nil, paas.Errorf(paas.Invalid, "The user or token of broker %q can't stand in a header. Leave line ends out of the token, and colons out of the user.", cfg.Name)
	case cfg.Token == "" && cfg.Username == "":
		return nil, paas.Errorf(paas.Invalid, "Broker %q has no user. The Open Service Broker API wants basic authentication; give a user and password, or a token.", cfg.Name)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = callTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = rand.Text
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        cfg.TLS.Clone(),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // bounds are those of what is read
	}
	c := &Client{cfg: cfg, base: strings.TrimSuffix(u.String(), "/"), secrets: hides(cfg)}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// hides knows the forms in which our own credentials may come back. Short ones would garble other words.
func hides(cfg Config) *strings.Replacer {
	var pairs []string
	basic := base64.StdEncoding.EncodeToString([]byte(cfg.Username + ":" + cfg.Password))
	for _, s := range []string{basic, cfg.Token, cfg.Password, url.QueryEscape(cfg.Password)} {
		if len(s) >= 4 {
			pairs = append(pairs, s, paas.Hidden)
		}
	}
	return strings.NewReplacer(pairs...)
}

// call is one request.
type call struct {
	op      paas.BrokerOp
	method  string
	path    string // escaped
	query   []string
	body    any // nil for none
	caller  paas.Caller
	does    string // what it is for, verb and object, for sentences
	expects []int  // statuses whose body is a JSON object
	longest int64  // of the answer, in bytes; longestAnswer by default
}

// answer is a body that is what it should be, by its fields.
type answer struct {
	outcome paas.BrokerOutcome
	object
}

// do sends a request and reads its answer: one with a status that is expected, or an error.
func (c *Client) do(ctx context.Context, k call) (answer, error) {
	if k.longest == 0 {
		k.longest = longestAnswer
	}
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var sent atomic.Bool // the transport's goroutines may still run when Do has returned
	traced := httptrace.WithClientTrace(callCtx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := c.request(traced, k)
	if err != nil {
		return answer{}, c.refuse(k, "The request can't be made: %s.", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.silent(ctx, k, err, sent.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	outcome := paas.BrokerOutcome{
		End: paas.EndAnswered, Status: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), c.cfg.Now()),
	}
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, k.longest+1))
	if !slices.Contains(k.expects, resp.StatusCode) {
		return c.answered(k, outcome, body)
	}
	switch {
	case readErr != nil && ctx.Err() != nil:
		outcome.End = paas.EndBroken
		return answer{}, c.ended(ctx, k, outcome)
	case readErr != nil && callCtx.Err() != nil:
		outcome.End = paas.EndTimeout
		return answer{}, c.late(k, outcome)
	case readErr != nil:
		return answer{}, c.malformed(k, outcome, "the body ends early")
	case int64(len(body)) > k.longest:
		return answer{}, c.malformed(k, outcome, fmt.Sprintf("the body is longer than %d bytes", k.longest))
	}
	fields, problem := readObject(body)
	if problem != "" {
		return answer{}, c.malformed(k, outcome, problem)
	}
	return answer{outcome: outcome, object: fields}, nil
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + strings.Join(k.query, "&")
	}
	var body io.Reader = http.NoBody
	if k.body != nil {
		text, err := json.Marshal(k.body)
		if err != nil {
			return nil, errors.New("its parameters are no JSON")
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, errors.New("its ids make no URL")
	}
	h := req.Header
	h.Set("X-Broker-API-Version", Version)
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "crumpet")
	if k.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if c.cfg.Token != "" {
		h.Set("Authorization", "Bearer "+c.cfg.Token)
	} else {
		req.SetBasicAuth(c.cfg.Username, c.cfg.Password)
	}
	if k.caller.Request == "" {
		k.caller.Request = c.cfg.NewID()
	}
	h.Set("X-Broker-API-Request-Identity", k.caller.Request)
	if k.caller.User != nil {
		text, err := json.Marshal(k.caller.User)
		if err != nil {
			return nil, errors.New("its user is no JSON")
		}
		h.Set("X-Broker-API-Originating-Identity", Platform+" "+base64.StdEncoding.EncodeToString(text))
	}
	return req, nil
}

// escape percent-encodes all but the unreserved characters of RFC 3986.
func escape(id string) string { return strings.ReplaceAll(url.QueryEscape(id), "+", "%20") }

// param is one of a query; nothing where it has no value.
func param(query []string, name, value string) []string {
	if value == "" {
		return query
	}
	return append(query, name+"="+escape(value))
}

// retryAfter reads seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
