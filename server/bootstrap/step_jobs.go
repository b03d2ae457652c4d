package bootstrap

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

// Platform puts the platform's own jobs, Fabio and Crumpet, on a cluster that serves, as crumpet install does on one that
// others made. It tells what differs from what it is asked for, and makes it so.
type Platform interface {
	Plan(ctx context.Context, at PlatformReach) ([]Change, error)
	Put(ctx context.Context, at PlatformReach) error
}

// APICall makes one call of a program's HTTP API, as World.Call does.
type APICall func(ctx context.Context, method, path string, in, out any) error

// PlatformReach is how a Platform reaches a cluster.
type PlatformReach struct {
	Nomad, Consul, Vault APICall
	// HTTP makes requests that begin on some client, whose router is at 127.0.0.1.
	HTTP     *http.Client
	Database string // URL of Crumpet's database
	// ConsulTokens are those of Crumpet and of Fabio, by the name of their policy.
	ConsulTokens map[string]string
	// Authority signed the certificates of all programs. Certificate and Key are what Crumpet's servers show to Nomad.
	Authority       string
	Issue           func() (certificate, key string, err error)
	Fleet           fleet.Fleet
	Say             func(format string, args ...any)
	Now             func() time.Time
	KeepFirst       func(ctx context.Context, token string) error
	MayWriteInVault bool // the root token is still there
}

// platformJobs is the last thing that serves: the platform's own jobs.
type platformJobs struct{}

func (platformJobs) Name() string { return "jobs" }

func (platformJobs) About() string {
	return "Fabio on every client, and Crumpet's servers behind it"
}

func (platformJobs) Plan(ctx context.Context, w *World) ([]Change, error) {
	if w.Platform == nil {
		return nil, nil
	}
	at, err := w.reachPlatform(ctx)
	if err == nil {
		var changes []Change
		changes, err = w.Platform.Plan(ctx, at)
		if err == nil {
			return changes, nil
		}
	}
	// Before the cluster serves nothing can be asked.
	if code := paas.CodeOf(err); (code == paas.Unavailable || code == paas.NotFound) && !w.serves(ctx) {
		return []Change{
			{Text: "run Fabio " + w.Fleet.Program(fleet.Fabio).Version + " on every client"},
			{Text: "run Crumpet " + w.Fleet.Program(fleet.Crumpet).Version + " behind it"},
		}, nil
	}
	return nil, err
}

// serves says that Nomad and Vault answer.
func (w *World) serves(ctx context.Context) bool {
	leader, err := w.vaultLeader(ctx)
	return err == nil && leader != "" && w.CallAny(ctx, fleet.Nomad, http.MethodGet, "/v1/status/leader", nil, nil) == nil
}

func (platformJobs) Do(ctx context.Context, w *World) error {
	if w.Platform == nil {
		return nil
	}
	at, err := w.reachPlatform(ctx)
	if err != nil {
		return err
	}
	return w.Platform.Put(ctx, at)
}

// Undo ends the jobs; what was written for them goes with the cluster.
func (platformJobs) Undo(ctx context.Context, w *World) error {
	for _, job := range []fleet.Name{fleet.Crumpet, fleet.Fabio} {
		err := w.CallAny(ctx, fleet.Nomad, http.MethodDelete, "/v1/job/"+string(job)+"?purge=true&namespace="+platformNamespace, nil, nil)
		switch code := paas.CodeOf(err); {
		case err == nil || code == paas.NotFound:
		case code == paas.Unavailable: // its clients are ended below it in any case
			return &Stays{Reason: "Nomad does not answer: the jobs end with its clients."}
		default:
			return err
		}
	}
	return nil
}

func (w *World) reachPlatform(ctx context.Context) (PlatformReach, error) {
	ca, err := w.Authority()
	if err != nil {
		return PlatformReach{}, err
	}
	token, err := w.vaultToken(ctx)
	if err != nil {
		return PlatformReach{}, err
	}
	database, err := w.readLine(ctx, w.Fleet.Store.URLFile)
	if err != nil {
		return PlatformReach{}, err
	}
	at := PlatformReach{
		Database: database, Authority: string(ca.Certificate()), Fleet: w.Fleet, Say: w.Say, Now: w.Now, MayWriteInVault: w.Kept.Get(KeptVaultToken) != "",
		HTTP: w.Router(),
		Vault: func(ctx context.Context, method, path string, in, out any) error {
			return w.callVault(ctx, token, method, path, in, out)
		},
		KeepFirst: func(ctx context.Context, token string) error { return w.Kept.Put(ctx, KeptCrumpetToken, token) },
		// It opens Nomad's port and no more: what a server may do there is said by its token. So it may live as long as the
		// authority does, and no server has to be started anew for it.
		Issue: func() (string, string, error) {
			certificate, key, err := ca.Issue(pki.Leaf{Name: "crumpet", Life: ca.Ends().Sub(w.Now())}, w.Now())
			return string(certificate), string(key), err
		},
	}
	at.ConsulTokens = map[string]string{}
	for _, actor := range []policies.Actor{policies.Crumpet, policies.Fabio} {
		at.ConsulTokens[actor.Name()] = w.Kept.Get(ConsulTokenOf(actor.Name()))
	}
	of := func(p fleet.Name) APICall {
		return func(ctx context.Context, method, path string, in, out any) error {
			return w.CallAny(ctx, p, method, path, in, out)
		}
	}
	at.Nomad, at.Consul = of(fleet.Nomad), of(fleet.Consul)
	return at, nil
}

// dialClient opens a connection on the first client that can, whatever host is named: routers are alike.
func (w *World) dialClient(ctx context.Context, network, _ string) (net.Conn, error) {
	var failed []error
	for _, m := range w.Fleet.Of(fleet.Client) {
		_, host, err := w.Machine(m.Name)
		if err == nil {
			var conn net.Conn
			if conn, err = host.Dial(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(w.Fleet.Ports.Router))); err == nil {
				return conn, nil
			}
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// readLine reads a file of this machine that holds one line, a secret.
func (w *World) readLine(ctx context.Context, path string) (string, error) {
	file, err := w.Open(ctx, path)
	if err != nil {
		return "", paas.Wrap(paas.CodeOf(err), err, "The URL of Crumpet's database can't be read from %s. Check store { url_file }.", path)
	}
	defer func() { _ = file.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(file, 4096))
	return strings.TrimSpace(string(text)), err
}
