package broker_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const password = "correct-horse/battery+staple"

// connect gives a client of a broker that answers as scripted.
func connect(t *testing.T, b *brokertest.Broker, change ...func(*broker.Config)) *broker.Client {
	t.Helper()
	return dial(t, listen(t, b), change...)
}

// listen is where a broker listens.
func listen(t *testing.T, b *brokertest.Broker) string {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return server.URL
}

func dial(t *testing.T, url string, change ...func(*broker.Config)) *broker.Client {
	t.Helper()
	cfg := broker.Config{Name: "acme", URL: url, Username: "crumpet", Password: password}
	for _, c := range change {
		c(&cfg)
	}
	client, err := broker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// late gives the outcome of a call to a broker that gives no answer in time. The call has ever more time
// until the outcome is the one wanted, as on a busy machine it may end before the broker was reached.
func late(want paas.BrokerOutcome, call func(impatient func(*broker.Config)) error) (err error) {
	for patience := 50 * time.Millisecond; patience < 10*time.Second; patience *= 2 {
		err = call(func(cfg *broker.Config) { cfg.Timeout = patience })
		if end(err) == want {
			break
		}
	}
	return err
}

// Requests that are whole, to be changed by what a test is about.
var (
	provision = paas.ProvisionRequest{InstanceID: "i1", OfferingID: "o1", PlanID: "p1", Organization: "team", Space: "prod"}
	update    = paas.UpdateRequest{InstanceID: "i1", OfferingID: "o1", PreviousPlanID: "p1"}
	deprov    = paas.DeprovisionRequest{InstanceID: "i1", OfferingID: "o1", PlanID: "p1"}
	bind      = paas.BindRequest{InstanceID: "i1", BindingID: "b1", OfferingID: "o1", PlanID: "p1", App: "shop"}
	unbind    = paas.UnbindRequest{InstanceID: "i1", BindingID: "b1", OfferingID: "o1", PlanID: "p1"}
	fetch     = paas.FetchRequest{InstanceID: "i1", BindingID: "b1", OfferingID: "o1", PlanID: "p1"}
)

// every is each request of the specification, with the answer that it may have.
var every = []struct {
	op   paas.BrokerOp
	kind brokertest.Kind
	good string
	call func(context.Context, *broker.Client) error
}{
	{paas.OpCatalog, brokertest.Catalog, `{"services":[]}`, func(ctx context.Context, c *broker.Client) error {
		_, err := c.Catalog(ctx, paas.Caller{})
		return err
	}},
	{paas.OpProvision, brokertest.Provision, `{}`, func(ctx context.Context, c *broker.Client) error {
		_, err := c.Provision(ctx, provision)
		return err
	}},
	{paas.OpUpdate, brokertest.Update, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Update(ctx, update); return err }},
	{paas.OpDeprovision, brokertest.Deprovision, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Deprovision(ctx, deprov); return err }},
	{paas.OpBind, brokertest.Bind, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Bind(ctx, bind); return err }},
	{paas.OpUnbind, brokertest.Unbind, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Unbind(ctx, unbind); return err }},
	{paas.OpPollInstance, brokertest.PollInstance, `{"state":"in progress"}`, func(ctx context.Context, c *broker.Client) error {
		_, err := c.LastOperation(ctx, provision.Poll(""))
		return err
	}},
	{paas.OpPollBinding, brokertest.PollBinding, `{"state":"in progress"}`, func(ctx context.Context, c *broker.Client) error {
		_, err := c.LastBindingOperation(ctx, bind.Poll(""))
		return err
	}},
	{paas.OpFetchInstance, brokertest.FetchInstance, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Instance(ctx, fetch); return err }},
	{paas.OpFetchBinding, brokertest.FetchBinding, `{}`, func(ctx context.Context, c *broker.Client) error { _, err := c.Binding(ctx, fetch); return err }},
}

// outcome of a call without the parts a test does not look at.
func end(err error) paas.BrokerOutcome { return paas.OutcomeOfBroker(err) }

func TestEachMisbehaviourIsAnErrorThatNamesTheBrokerAndSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	secret := "s3cr3t-of-somebody"
	for name, m := range map[string]struct {
		answer brokertest.Answer
		want   paas.BrokerOutcome
	}{
		"garbage bytes":                 {brokertest.Bytes("\x00\x01\x02 " + secret + "\r\n\r\n"), paas.BrokerOutcome{End: paas.EndBroken}},
		"a status that is no number":    {brokertest.Bytes("HTTP/1.1 " + secret + "\r\n\r\n"), paas.BrokerOutcome{End: paas.EndBroken}},
		"nothing at all":                {brokertest.Bytes(""), paas.BrokerOutcome{End: paas.EndBroken}},
		"headers without an end":        {brokertest.Bytes("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)), paas.BrokerOutcome{End: paas.EndBroken}},
		"an empty body":                 {brokertest.JSON(200, ""), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"HTML":                          {brokertest.Raw(200, "text/html", "<html>"+secret), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"an array":                      {brokertest.JSON(200, `["`+secret+`"]`), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"null":                          {brokertest.JSON(200, `null`), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"JSON and more":                 {brokertest.JSON(200, `{} {}`), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"a body of 100 MB":              {brokertest.Huge(200, 100<<20), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"a chunk cut in the middle":     {brokertest.Cut(200, `{"operation":"`+secret), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"a length longer than the body": {brokertest.Bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"), paas.BrokerOutcome{End: paas.EndMalformed, Status: 200}},
		"a redirect":                    {brokertest.With("Location", "http://127.0.0.1:1/"+secret, brokertest.JSON(307, "")), paas.BrokerOutcome{End: paas.EndAnswered, Status: 307}},
		"a 204":                         {brokertest.Raw(204, "", ""), paas.BrokerOutcome{End: paas.EndAnswered, Status: 204}},
		"a 500 with HTML":               {brokertest.Raw(500, "text/html", "<h1>"+secret), paas.BrokerOutcome{End: paas.EndAnswered, Status: 500}},
		"a 500 of 100 MB":               {brokertest.Huge(500, 100<<20), paas.BrokerOutcome{End: paas.EndAnswered, Status: 500}},
		"a 500 cut in the middle":       {brokertest.Cut(500, `{"description":"`+secret), paas.BrokerOutcome{End: paas.EndAnswered, Status: 500}},
		"a 599":                         {brokertest.JSON(599, `{"description":7,"error":[]}`), paas.BrokerOutcome{End: paas.EndAnswered, Status: 599}},
	} {
		for _, e := range every {
			t.Run(name+"/"+string(e.op), func(t *testing.T) {
				t.Parallel()
				b := brokertest.New()
				b.On(e.kind, m.answer)
				err := e.call(t.Context(), connect(t, b))
				if paas.CodeOf(err) != paas.Unavailable {
					t.Fatalf("error = %v, want unavailable", err)
				}
				if diff := cmp.Diff(m.want, end(err)); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				if s := err.Error(); !strings.HasPrefix(s, `Broker "acme" `) || strings.Contains(s, secret) || strings.Contains(s, password) || len(s) > 600 {
					t.Errorf("error: %s", s)
				}
				if n := len(b.Asked()); n > 1 && (e.op == paas.OpProvision || e.op == paas.OpBind || e.op == paas.OpUpdate) {
					t.Errorf("%d requests, want 1: nothing is tried twice here", n)
				}
			})
		}
	}
}

func TestABrokerThatDoesNotEndIsLeft(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]struct {
		answer brokertest.Answer
		status int
	}{
		"a hanging socket": {brokertest.Hang(), 0},
		"a slow body":      {brokertest.Slow(200, time.Millisecond), 200},
	} {
		for _, e := range every {
			t.Run(name+"/"+string(e.op), func(t *testing.T) {
				t.Parallel()
				want := paas.BrokerOutcome{End: paas.EndTimeout, Status: m.status}
				err := late(want, func(impatient func(*broker.Config)) error {
					b := brokertest.New()
					b.On(e.kind, m.answer)
					return e.call(t.Context(), connect(t, b, impatient))
				})
				if diff := cmp.Diff(want, end(err)); diff != "" || paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "within ") {
					t.Errorf("error %v, outcome (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

func TestABrokerThatCanNotBeReachedWasSentNothing(t *testing.T) {
	t.Parallel()
	for _, e := range every {
		err := e.call(t.Context(), dial(t, "http://127.0.0.1:1"))
		if o := end(err); paas.CodeOf(err) != paas.Unavailable || o != (paas.BrokerOutcome{End: paas.EndUnsent}) || paas.Orphaned(e.op, o) != paas.NoOrphan {
			t.Errorf("%s: error %v, outcome %+v", e.op, err, o)
		}
	}
}

func TestACallerThatGivesUpIsNoFaultOfTheBrokers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(context.CancelFunc) brokertest.Answer{
		"before the status": func(cancel context.CancelFunc) brokertest.Answer {
			return func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }
		},
		"within the body": func(cancel context.CancelFunc) brokertest.Answer {
			return func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(201)
				_ = http.NewResponseController(w).Flush()
				time.AfterFunc(10*time.Millisecond, cancel)
				<-r.Context().Done()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := brokertest.New()
			b.On(brokertest.Provision, answer(cancel))
			_, err := connect(t, b).Provision(ctx, provision)
			if !errors.Is(err, context.Canceled) || paas.Orphaned(paas.OpProvision, end(err)) != paas.OrphanInstance {
				t.Errorf("error = %v with outcome %+v, want canceled, and an orphan that may be", err, end(err))
			}
		})
	}
}

func TestTheCertificateOfABrokerIsChecked(t *testing.T) {
	t.Parallel()
	b := brokertest.New()
	b.On(brokertest.Catalog, brokertest.JSON(200, `{"services":[]}`))
	server := httptest.NewUnstartedServer(b)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := dial(t, server.URL).Catalog(t.Context(), paas.Caller{})
	if o := end(err); o.End != paas.EndUnsent || !strings.Contains(err.Error(), "certificate that is not trusted") {
		t.Errorf("error = %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusting := func(cfg *broker.Config) { cfg.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12} }
	if _, err := dial(t, server.URL, trusting).Catalog(t.Context(), paas.Caller{}); err != nil {
		t.Error(err)
	}
}

func TestAConfigurationThatCanNotWorkIsRefused(t *testing.T) {
	t.Parallel()
	good := broker.Config{Name: "acme", URL: "https://broker.example.com/osb/", Username: "u", Password: password}
	for name, change := range map[string]func(*broker.Config){
		"no URL":                      func(c *broker.Config) { c.URL = "" },
		"a URL that is none":          func(c *broker.Config) { c.URL = "https://%zz" + password },
		"another scheme":              func(c *broker.Config) { c.URL = "ftp://broker.example.com" },
		"no host":                     func(c *broker.Config) { c.URL = "https:///v2" },
		"a password in the URL":       func(c *broker.Config) { c.URL = "https://u:" + password + "@broker.example.com" },
		"a query":                     func(c *broker.Config) { c.URL += "?token=" + password },
		"both ways to authenticate":   func(c *broker.Config) { c.Token = "t" },
		"neither way to authenticate": func(c *broker.Config) { c.Username = "" },
		"a user with a colon":         func(c *broker.Config) { c.Username = "a:b" },
		"a token of two lines":        func(c *broker.Config) { c.Username, c.Password, c.Token = "", "", password+"\n" },
		"a fragment":                  func(c *broker.Config) { c.URL += "#x" },
	} {
		cfg := good
		change(&cfg)
		_, err := broker.New(cfg)
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), `"acme"`) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if _, err := broker.New(good); err != nil {
		t.Error(err)
	}
}

func TestARequestThatMakesNoSenseIsNotSent(t *testing.T) {
	t.Parallel()
	b := brokertest.New()
	c := connect(t, b)
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"no instance id":     func() error { r := provision; r.InstanceID = ""; _, err := c.Provision(ctx, r); return err },
		"an id that goes up": func() error { r := deprov; r.InstanceID = ".."; _, err := c.Deprovision(ctx, r); return err },
		"an id that stays":   func() error { r := unbind; r.BindingID = "."; _, err := c.Unbind(ctx, r); return err },
		"no binding id":      func() error { r := fetch; r.BindingID = ""; _, err := c.Binding(ctx, r); return err },
		"no binding to poll": func() error { _, err := c.LastBindingOperation(ctx, provision.Poll("x")); return err },
		"no offering":        func() error { r := provision; r.OfferingID = ""; _, err := c.Provision(ctx, r); return err },
		"no plan":            func() error { r := bind; r.PlanID = ""; _, err := c.Bind(ctx, r); return err },
		"no team":            func() error { r := provision; r.Organization = ""; _, err := c.Provision(ctx, r); return err },
		"no space":           func() error { r := provision; r.Space = ""; _, err := c.Provision(ctx, r); return err },
		"no plan before":     func() error { r := update; r.PreviousPlanID = ""; _, err := c.Update(ctx, r); return err },
		"no plan to delete":  func() error { r := deprov; r.PlanID = ""; _, err := c.Deprovision(ctx, r); return err },
		"nothing to unbind":  func() error { r := unbind; r.OfferingID = ""; _, err := c.Unbind(ctx, r); return err },
		"its own successor":  func() error { r := bind; r.Predecessor = r.BindingID; _, err := c.Bind(ctx, r); return err },
		"broken parameters": func() error {
			r := provision
			r.Parameters = paas.NewSecret(`{"a":` + password)
			_, err := c.Provision(ctx, r)
			return err
		},
	} {
		err := call()
		o := end(err)
		if paas.CodeOf(err) != paas.Invalid || o.End != paas.EndRefused || strings.Contains(err.Error(), password) {
			t.Errorf("%s: error = %v", name, err)
		}
		if _, again := (paas.BrokerTry{Op: paas.OpProvision, Attempt: 1}).Again(o); again || paas.Orphaned(paas.OpProvision, o) != paas.NoOrphan {
			t.Errorf("%s: is tried again, or leaves an orphan", name)
		}
	}
	if asked := b.Asked(); len(asked) != 0 {
		t.Errorf("asked: %+v", asked)
	}
}

// What is beyond the bound is neither taken nor read, whatever stands before it.
func TestABodyIsReadToItsBoundOnly(t *testing.T) {
	t.Parallel()
	const whole = 64 << 20
	var wrote int
	ended := make(chan struct{})
	b := brokertest.New()
	b.On(brokertest.Provision, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		w.WriteHeader(201)
		wrote, _ = io.WriteString(w, "{}")
		for space := strings.Repeat(" ", 64<<10); wrote < whole; {
			n, err := io.WriteString(w, space)
			if wrote += n; err != nil {
				return
			}
		}
	})
	_, err := connect(t, b).Provision(t.Context(), provision)
	if want := (paas.BrokerOutcome{End: paas.EndMalformed, Status: 201}); end(err) != want {
		t.Errorf("error %v of outcome %+v, want %+v", err, end(err), want)
	}
	<-ended
	if wrote > whole/2 { // what the kernel's buffers hold is far less
		t.Errorf("the broker wrote %d bytes of %d", wrote, whole)
	}
}
