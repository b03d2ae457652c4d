package broker_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	identityHeader = "X-Broker-API-Originating-Identity"
	requestHeader  = "X-Broker-API-Request-Identity"
)

var ada = paas.Caller{User: map[string]string{"user": "ada@example.com"}}

// byAda gives each request of the specification, made for a user.
func byAda(t *testing.T) map[paas.BrokerOp]brokertest.Request {
	t.Helper()
	p, u, d, b, n, f := provision, update, deprov, bind, unbind, fetch
	pi, pb := provision.Poll("x"), bind.Poll("x")
	p.Caller, u.Caller, d.Caller, b.Caller, n.Caller, f.Caller, pi.Caller, pb.Caller = ada, ada, ada, ada, ada, ada, ada, ada
	ctx := t.Context()
	all := map[paas.BrokerOp]brokertest.Request{}
	for op, call := range map[paas.BrokerOp]func(*broker.Client) error{
		paas.OpCatalog:       func(c *broker.Client) error { _, err := c.Catalog(ctx, ada); return err },
		paas.OpProvision:     func(c *broker.Client) error { _, err := c.Provision(ctx, p); return err },
		paas.OpUpdate:        func(c *broker.Client) error { _, err := c.Update(ctx, u); return err },
		paas.OpDeprovision:   func(c *broker.Client) error { _, err := c.Deprovision(ctx, d); return err },
		paas.OpBind:          func(c *broker.Client) error { _, err := c.Bind(ctx, b); return err },
		paas.OpUnbind:        func(c *broker.Client) error { _, err := c.Unbind(ctx, n); return err },
		paas.OpPollInstance:  func(c *broker.Client) error { _, err := c.LastOperation(ctx, pi); return err },
		paas.OpPollBinding:   func(c *broker.Client) error { _, err := c.LastBindingOperation(ctx, pb); return err },
		paas.OpFetchInstance: func(c *broker.Client) error { _, err := c.Instance(ctx, f); return err },
		paas.OpFetchBinding:  func(c *broker.Client) error { _, err := c.Binding(ctx, f); return err },
	} {
		all[op] = sent(t, call)
	}
	return all
}

// identity is the value in a request's originating identity, decoded.
func identity(t *testing.T, r brokertest.Request) (platform string, value []byte) {
	t.Helper()
	platform, coded, _ := strings.Cut(r.Header.Get(identityHeader), " ")
	value, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		t.Errorf("identity %q: %v", coded, err)
	}
	return platform, value
}

// tolerates fails unless answers with fields that nobody knows are taken.
func tolerates(t *testing.T, extra string) {
	t.Helper()
	for _, e := range every {
		b := brokertest.New()
		b.On(e.kind, brokertest.JSON(200, strings.TrimSuffix(good, "}")+","+extra+"}"))
		if err := e.call(t.Context(), connect(t, b)); err != nil {
			t.Errorf("%s: %v", e.op, err)
		}
	}
	if _, err := catalog(t, one(","+extra, ","+extra)); err != nil {
		t.Error(err)
	}
}

var headerProofs = proofs{
	"unknown fields of answers are ignored": func(t *testing.T) { tolerates(t, `"since_2_18":{"a":[1]}`) },
	"extensions do not halt":                func(t *testing.T) { tolerates(t, `"com.example.extension":[null,{"state":7}]`) },
	"version on every request": func(t *testing.T) {
		for op, r := range everySent(t) {
			is(t, string(op), r.Header.Get("X-Broker-API-Version"), "2.17")
		}
	},
	"another version wanted": func(t *testing.T) {
		for _, e := range every {
			_, err := try(t, e.op, brokertest.JSON(412, `{"description":"speak 2.16"}`))
			if err == nil || !strings.Contains(err.Error(), "version 2.17") || !strings.Contains(err.Error(), "speak 2.16") {
				t.Errorf("%s: %v", e.op, err)
			}
		}
	},
	"user on each request of a user": func(t *testing.T) {
		for op, r := range byAda(t) {
			if r.Header.Get(identityHeader) == "" {
				t.Errorf("%s has no originating identity", op)
			}
		}
	},
	"no user where there is none": func(t *testing.T) {
		for op, r := range everySent(t) {
			is(t, string(op), len(r.Header.Values(identityHeader)), 0)
		}
	},
	"the user who acts": func(t *testing.T) {
		for op, r := range byAda(t) {
			if _, value := identity(t, r); !strings.Contains(string(value), "ada@example.com") {
				t.Errorf("%s names %s", op, value)
			}
		}
	},
	"the platform is named": func(t *testing.T) {
		for op, r := range byAda(t) {
			platform, _ := identity(t, r)
			is(t, string(op), platform, "crumpet")
		}
	},
	"the same platform in context": func(t *testing.T) {
		all := byAda(t)
		for _, op := range []paas.BrokerOp{paas.OpProvision, paas.OpUpdate, paas.OpBind} {
			platform, _ := identity(t, all[op])
			is(t, string(op), field(t, all[op], "context.platform"), any(platform))
		}
		other := provision
		other.Context = map[string]string{"platform": "cloudfoundry", "instance_name": "db"}
		r := sent(t, func(c *broker.Client) error { _, err := c.Provision(t.Context(), other); return err })
		is(t, "platform", field(t, r, "context.platform"), any("crumpet"))
		is(t, "the rest of the context", field(t, r, "context.instance_name"), any("db"))
	},
	"the user in Base64": func(t *testing.T) {
		for op, r := range byAda(t) {
			if _, value := identity(t, r); len(value) == 0 {
				t.Errorf("%s: %q", op, r.Header.Get(identityHeader))
			}
		}
	},
	"the user as a JSON object": func(t *testing.T) {
		for op, r := range byAda(t) {
			_, value := identity(t, r)
			var user map[string]string
			if err := json.Unmarshal(value, &user); err != nil || user["user"] != "ada@example.com" {
				t.Errorf("%s: %s, %v", op, value, err)
			}
		}
	},
	"no user for what mitigates an orphan": func(t *testing.T) {
		p, b := provision, bind
		p.Caller, b.Caller = ada, ada
		want := map[string]int{"DELETE instance": 0, "DELETE binding": 0}
		got := map[string]int{}
		for _, call := range []func(*broker.Client) error{
			func(c *broker.Client) error { _, err := c.Deprovision(t.Context(), p.Deprovision()); return err },
			func(c *broker.Client) error { _, err := c.Unbind(t.Context(), b.Unbind()); return err },
		} {
			r := sent(t, call)
			got[string(r.Kind)] = len(r.Header.Values(identityHeader))
			is(t, "service_id", query(t, r).Get("service_id"), "o1")
			is(t, "plan_id", query(t, r).Get("plan_id"), "p1")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("identities (-want +got):\n%s", diff)
		}
	},
	"identity on every request": func(t *testing.T) {
		for op, r := range everySent(t, func(cfg *broker.Config) { cfg.NewID = func() string { return "r-1" } }) {
			is(t, string(op), r.Header.Get(requestHeader), "r-1")
		}
		p := provision
		p.Request = "r-2"
		r := sent(t, func(c *broker.Client) error { _, err := c.Provision(t.Context(), p); return err })
		is(t, "the identity that was given", r.Header.Get(requestHeader), "r-2")
	},
	"identity is not empty": func(t *testing.T) {
		for op, r := range everySent(t) {
			if r.Header.Get(requestHeader) == "" {
				t.Errorf("%s has no request identity", op)
			}
		}
	},
	"identity differs where nobody gives one": func(t *testing.T) {
		seen := map[string]paas.BrokerOp{}
		for op, r := range everySent(t) {
			seen[r.Header.Get(requestHeader)] = op
		}
		is(t, "number of identities", len(seen), len(every))
	},
	"basic authentication on every request": func(t *testing.T) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("crumpet:"+password))
		for op, r := range everySent(t) {
			is(t, string(op), r.Header.Get("Authorization"), want)
			if strings.Contains(r.URI, "correct") {
				t.Errorf("%s has the password in its URL: %s", op, r.URI)
			}
		}
	},
	"another agreed way": func(t *testing.T) {
		for op, r := range everySent(t, func(cfg *broker.Config) { cfg.Username, cfg.Password, cfg.Token = "", "", "t0ken" }) {
			is(t, string(op), r.Header.Get("Authorization"), "Bearer t0ken")
		}
	},
	"self-signed certificates": func(t *testing.T) {
		b := brokertest.New()
		b.On(brokertest.Catalog, brokertest.JSON(200, good))
		server := httptest.NewUnstartedServer(b)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		agreed := dial(t, server.URL, func(cfg *broker.Config) { cfg.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12} })
		if _, err := agreed.Catalog(t.Context(), paas.Caller{}); err != nil {
			t.Error(err)
		}
		if _, err := dial(t, server.URL).Catalog(t.Context(), paas.Caller{}); err == nil {
			t.Error("a certificate that nobody agreed on is trusted")
		}
	},
	"refused credentials": func(t *testing.T) {
		for _, e := range every {
			o, err := try(t, e.op, brokertest.JSON(401, `{}`))
			if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "refuses Crumpet's credentials") || o.Status != 401 {
				t.Errorf("%s: %v", e.op, err)
			}
		}
	},
	"ids and operation are percent-encoded": func(t *testing.T) {
		const odd, coded = "a/b?c#d e%f+g&h=i:j~k-l._ü", "a%2Fb%3Fc%23d%20e%25f%2Bg%26h%3Di%3Aj~k-l._%C3%BC"
		r := paas.PollRequest{Op: paas.OpBind, InstanceID: odd, BindingID: odd, OfferingID: odd, PlanID: odd, Operation: odd}
		got := sent(t, func(c *broker.Client) error { _, err := c.LastBindingOperation(t.Context(), r); return err })
		want := "/v2/service_instances/" + coded + "/service_bindings/" + coded + "/last_operation?service_id=" + coded + "&plan_id=" + coded + "&operation=" + coded
		is(t, "URL", got.URI, want)
		is(t, "kind", got.Kind, brokertest.PollBinding)
	},
}
