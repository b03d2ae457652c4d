package apitest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// ArtifactKey signs the addresses of artifacts.
var ArtifactKey = []byte("a key for tests")

// Config is that of an API over a platform; a test changes what it wants.
func Config(t testing.TB, p *Platform) api.Config {
	accounts := NewAccounts()
	return api.Config{
		Log:  slog.New(slog.NewTextHandler(t.Output(), nil)),
		Auth: p, Store: p, Deployer: p, Blobs: p, Builds: builds{p}, Artifacts: p, Logs: p, Commands: p, Instances: p, Why: p, Hub: p, Servers: p, Nodes: p,
		Repairs: p, Configs: p, Services: p.services, Bindings: p.services, Providers: p.services, Volumes: Volumes{p}, Logins: NewLogins(), Tokens: accounts, Users: accounts.UserTable(), Teams: p.Teams, Meter: p, Launches: p, Overview: p, Doctor: p, Audit: Audit{p},
		Tell: func(_ context.Context, events ...paas.Event) error { p.Emit(events...); return nil },
		RouteURL: func(r paas.Route) string {
			return "http://" + r.Host + ":9999" + r.Path
		},
		Version: "test", ArtifactKey: ArtifactKey, Heartbeat: time.Second, Limits: api.Limits{Rate: 1e5, Burst: 1e5, LoginRate: 1e5, LoginBurst: 1e5},
	}
}

// Start serves an API on loopback until the test ends.
func Start(t testing.TB, config api.Config) *httptest.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(api.New(config))
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx } // streams end with the server
	server.Start()
	t.Cleanup(func() { cancel(); server.Close() })
	return server
}

// Call makes one request with the token, and reads the answer whole.
func Call(t testing.TB, method, url string, body io.Reader) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+Token)
	return Do(t, r)
}

// Do makes a request and reads the answer whole.
func Do(t testing.TB, r *http.Request) (*http.Response, []byte) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, text
}
