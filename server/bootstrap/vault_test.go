package bootstrap_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

// fakeVault is what the servers of a fleet share: how each is sealed, and what was written since the last init.
type fakeVault struct {
	world *fakeWorld
	ca    pki.Authority

	mu      sync.Mutex
	key     int                 // how many inits there were: shares and root tokens of the last one are valid
	data    map[string]int      // by machine: the init that it holds, 0 for none
	open    map[string]bool     // by machine
	shares  map[string][]string // by machine: those that came
	joining map[string]int      // by machine: answers until it opens, as it has its shares and joins the others
	written map[string]any      // by path
	root    string              // "" when revoked
	running map[string]bool     // by machine and unit
}

const needed = 3

// newVault makes the fleet's machines run services, and answer as Vault.
func newVault(t *testing.T) (*fakeWorld, *fakeVault) {
	t.Helper()
	w := newWorld(t)
	w.fleet.Seal = fleet.Seal{Kind: fleet.Shares, Shares: 5, Threshold: needed}
	w.fleet.Keepers = []fleet.Keeper{{Name: "ann"}, {Name: "bob"}}
	w.fleet.Ports.JWKS = 4651
	w.fleet.Programs = []fleet.Program{{Name: fleet.Vault, Command: "bao", Version: "2.6.2"}, {Name: fleet.Consul, Version: "1.7.14"}} // without identities of others
	ca, err := pki.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := ca.Text()
	if err != nil {
		t.Fatal(err)
	}
	w.kept[bootstrap.KeptCA] = text
	v := &fakeVault{
		world: w, ca: ca, data: map[string]int{}, open: map[string]bool{}, shares: map[string][]string{}, joining: map[string]int{}, written: map[string]any{},
		running: map[string]bool{},
	}
	for _, m := range w.fleet.Of(fleet.Server) {
		v.machine(t, m)
	}
	return w, v
}

func (v *fakeVault) machine(t *testing.T, m fleet.Machine) {
	t.Helper()
	host := v.world.hosts[m.Name]
	host.on("useradd", func(*fakeHost, string, []byte) ([]byte, error) { return nil, nil })
	host.on("install -d", func(*fakeHost, string, []byte) ([]byte, error) { return nil, nil })
	host.on("-mindepth 1 -delete", func(*fakeHost, string, []byte) ([]byte, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.data[m.Name], v.shares[m.Name] = 0, nil
		return nil, nil
	})
	host.on("is-active", func(_ *fakeHost, script string, _ []byte) ([]byte, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.running[m.Name+unit(script)] {
			return []byte("active\n"), nil
		}
		return []byte("inactive\n"), nil
	})
	host.on("systemctl", func(_ *fakeHost, script string, _ []byte) ([]byte, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.running[m.Name+unit(script)] = !strings.Contains(script, "disable")
		if unit(script) == "vault" {
			v.open[m.Name], v.shares[m.Name], v.joining[m.Name] = false, nil, 0 // whatever ends, begins sealed
		}
		return nil, nil
	})
	certificate, key, err := v.ca.Issue(pki.Leaf{Name: "vault.service.consul", IPs: []net.IP{net.ParseIP(m.Address)}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn)
	server := &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { v.answer(m.Name, rw, r) }), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: v.ca.Pool(), ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(pipes{conns}, "", "") }()
	t.Cleanup(func() { close(conns) })
	host.dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		v.mu.Lock()
		up := v.running[m.Name+"vault"] && address == net.JoinHostPort(m.Address, "8200")
		v.mu.Unlock()
		if !up {
			return nil, paas.Errorf(paas.Unavailable, "Nothing answers at %s.", address)
		}
		here, there := net.Pipe()
		select {
		case conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func unit(script string) string {
	_, rest, _ := strings.Cut(script, "crumpet-")
	name, _, _ := strings.Cut(rest, ".service")
	return name
}

// pipes is a listener of connections that a test hands over.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	conn, more := <-p.conns
	if !more {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (v *fakeVault) answer(machine string, rw http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	say := func(status int, body any) {
		rw.WriteHeader(status)
		_ = json.NewEncoder(rw).Encode(body)
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); path {
	case "sys/seal-status", "sys/unseal":
		if v.data[machine] == 0 && v.leads() != "" { // retry_join
			v.data[machine] = v.key
		}
		if share, ok := in["key"].(string); ok && path == "sys/unseal" {
			v.take(machine, share)
		} else if v.joining[machine] > 0 {
			v.joining[machine]--
			v.open[machine] = v.joining[machine] == 0
		}
		say(http.StatusOK, map[string]any{"initialized": v.data[machine] > 0, "sealed": !v.open[machine], "progress": len(v.shares[machine])})
	case "sys/leader":
		say(http.StatusOK, map[string]any{"is_self": v.leads() == machine})
	case "sys/init":
		v.init(machine, in, say)
	case "auth/cert/login":
		if v.written["auth/cert/certs/operator"] == nil {
			say(http.StatusBadRequest, "no matching role")
			return
		}
		if len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != "crumpet-up" {
			say(http.StatusForbidden, "no certificate")
			return
		}
		say(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": "operator's"}})
	default:
		v.other(path, r, in, say)
	}
}

// leads is the first server that is open.
func (v *fakeVault) leads() string {
	for _, m := range v.world.fleet.Of(fleet.Server) {
		if v.open[m.Name] {
			return m.Name
		}
	}
	return ""
}

func (v *fakeVault) share(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "share %d of init %d", i, v.key))
}

func (v *fakeVault) take(machine, share string) {
	if v.data[machine] != v.key || slices.Contains(v.shares[machine], share) {
		return
	}
	for i := range 5 {
		if share == v.share(i) {
			v.shares[machine] = append(v.shares[machine], share)
		}
	}
	if len(v.shares[machine]) < needed {
		return
	}
	if leader := v.leads(); leader != "" && leader != machine {
		v.joining[machine], v.shares[machine] = 2, nil
		return
	}
	v.open[machine] = true
}

func (v *fakeVault) init(machine string, in map[string]any, say func(int, any)) {
	if v.data[machine] > 0 {
		say(http.StatusBadRequest, "Vault is already initialized")
		return
	}
	v.key++
	v.root = fmt.Sprintf("root %d", v.key)
	v.data[machine], v.written = v.key, map[string]any{}
	var keys []string
	for i := range int(in["secret_shares"].(float64)) {
		keys = append(keys, v.share(i))
	}
	say(http.StatusOK, map[string]any{"keys_base64": keys, "root_token": v.root})
}

// other is what takes a token.
func (v *fakeVault) other(path string, r *http.Request, in map[string]any, say func(int, any)) {
	token := r.Header.Get("X-Vault-Token")
	root := v.root != "" && token == v.root
	switch {
	case v.leads() == "":
		say(http.StatusServiceUnavailable, "sealed")
	case !root && (token != "operator's" || r.Method != http.MethodGet):
		say(http.StatusForbidden, "permission denied")
	case path == "auth/token/revoke-self":
		v.root = ""
		say(http.StatusNoContent, nil)
	case r.Method != http.MethodGet:
		kind, name, below := strings.Cut(strings.TrimPrefix(path, "sys/"), "/")
		if below && strings.HasPrefix(path, "sys/") && (kind == "mounts" || kind == "auth") {
			list, _ := v.written["sys/"+kind].(map[string]any)
			if list == nil {
				list = map[string]any{}
			}
			list[name+"/"] = in
			path, in = "sys/"+kind, list
		}
		v.written[path] = in
		say(http.StatusNoContent, nil)
	case v.written[path] == nil:
		say(http.StatusNotFound, nil)
	default:
		say(http.StatusOK, map[string]any{"data": v.written[path]})
	}
}

// named gives steps of the real ones.
func named(t *testing.T, names ...string) []bootstrap.Step {
	t.Helper()
	var some []bootstrap.Step
	for _, s := range bootstrap.Steps() {
		if slices.Contains(names, s.Name()) {
			some = append(some, s)
		}
	}
	if len(some) != len(names) {
		t.Fatalf("of the steps %v there are %v", names, bootstrap.Names(some))
	}
	return some
}

func up(w *fakeWorld, steps []bootstrap.Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	w.death.ends = cancel
	return bootstrap.Up(ctx, w.run(), steps, bootstrap.Options{Holder: "test", Settle: time.Second})
}

// all says that every server is open, by the init that is kept, and that nothing but sealed shares is left of it.
func (v *fakeVault) done(t *testing.T, about string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range v.world.fleet.Of(fleet.Server) {
		if !v.open[m.Name] || v.data[m.Name] != v.key {
			t.Errorf("%s: Vault on %s is open: %v, holds init %d of %d", about, m.Name, v.open[m.Name], v.data[m.Name], v.key)
		}
	}
	var shares []bootstrap.Share
	if err := json.Unmarshal([]byte(v.world.kept[bootstrap.KeptShares]), &shares); err != nil || len(shares) != 5 {
		t.Errorf("%s: kept are %d shares, %v", about, len(shares), err)
	}
	for i, s := range shares {
		if want := fmt.Sprintf("sealed to %s: %s", []string{"ann", "bob"}[i%2], v.share(i)); string(s.Sealed) != want {
			t.Errorf("%s: share %d is %q, want %q", about, i, s.Sealed, want)
		}
	}
	if v.root != "" || v.world.kept[bootstrap.KeptVaultToken] != "" {
		t.Errorf("%s: a root token is left", about)
	}
	policy, _ := v.written["sys/policies/acl/crumpet"].(map[string]any)
	if policy == nil || v.written["auth/cert/certs/operator"] == nil || v.written["auth/jwt-nomad/role/crumpet"] == nil {
		t.Errorf("%s: written are %v", about, v.written)
	}
}

var vaultSteps = []string{"vault", "unseal", "identity", "revoke"}

func TestVaultIsMadeOnceAndTheSecondTimeNothingChanges(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	v.done(t, "first up")
	changes, err := bootstrap.Plan(context.Background(), w.run(), named(t, vaultSteps...), bootstrap.Options{})
	if err != nil || len(changes) > 0 {
		t.Errorf("a second up would do %v, %v", changes, err)
	}
}

func TestAVaultWhoseUpIsKilledAtAnyCallIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	w, _ := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	calls, again := w.death.count(), 0
	for at := 1; at <= calls; at += 29 { // each takes half a second
		after := at%2 == 1
		w, v := newVault(t)
		w.death.revive(at, after)
		err := up(w, named(t, vaultSteps...))
		w.death.revive(0, false)
		if err := up(w, named(t, vaultSteps...)); err != nil {
			t.Fatalf("killed at call %d of %d, the next run: %v", at, calls, err)
		}
		v.done(t, fmt.Sprintf("killed at call %d of %d (%v)", at, calls, err))
		if v.key > 1 {
			again++
		}
	}
	if again == 0 {
		t.Error("no run ended between the init and the keeping of its keys")
	}
	t.Logf("%d calls; of the runs that were killed %d had Vault initialized again", calls, again)
}

func TestKeepersOpenWhatASecondStartHasSealed(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	v.mu.Lock()
	v.open["server-2"], v.shares["server-2"] = false, nil
	v.mu.Unlock()
	err := up(w, named(t, vaultSteps...))
	if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "crumpet cluster unseal") || !strings.Contains(err.Error(), "server-2") {
		t.Errorf("up says of a sealed server: %v", err)
	}
	as := func(keeper string) func([]byte) ([]byte, error) {
		return func(sealed []byte) ([]byte, error) {
			plain, mine := strings.CutPrefix(string(sealed), "sealed to "+keeper+": ")
			if !mine {
				return nil, paas.Errorf(paas.Forbidden, "not mine")
			}
			return []byte(plain), nil
		}
	}
	got, err := bootstrap.Unseal(context.Background(), w.run(), as("bob"))
	if err != nil || got.Mine != 2 || got.Machines["server-2"] != "sealed, 2 of 3 shares are there" || got.Machines["server-1"] != "open" {
		t.Errorf("bob alone: %+v, %v", got, err)
	}
	if got, err = bootstrap.Unseal(context.Background(), w.run(), as("ann")); err != nil || got.Machines["server-2"] != "opened" {
		t.Errorf("then ann: %+v, %v", got, err)
	}
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Errorf("up after that: %v", err)
	}
	if _, err := bootstrap.Unseal(context.Background(), w.run(), as("eve")); paas.CodeOf(err) != paas.NotFound || !strings.Contains(err.Error(), "ann, bob") {
		t.Errorf("somebody else: %v", err)
	}
}

func TestAVaultThatIsNotOursIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	lost := w.kept
	w.kept = map[string]string{bootstrap.KeptCA: lost[bootstrap.KeptCA]}
	v.mu.Lock()
	v.open["server-1"] = false // or there would be nothing to do
	v.mu.Unlock()
	if err := up(w, named(t, "vault", "unseal")); paas.CodeOf(err) != paas.Conflict || v.key != 1 {
		t.Errorf("without its state: %v, %d inits", err, v.key)
	}
	w.kept = lost
	for _, m := range w.fleet.Of(fleet.Server) {
		v.data[m.Name], v.open[m.Name] = 0, false
	}
	if err := up(w, named(t, "vault", "unseal")); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "restore") || v.key != 1 {
		t.Errorf("emptied, with its state: %v, %d inits", err, v.key)
	}
}

func TestWhatChangedInVaultAfterTheRootTokenIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	v.mu.Lock()
	v.written["sys/policies/acl/crumpet"] = map[string]any{"policy": "path \"*\" {}"}
	v.mu.Unlock()
	changes, err := bootstrap.Plan(context.Background(), w.run(), named(t, vaultSteps...), bootstrap.Options{})
	if err != nil || len(changes) != 1 || changes[0].Text != "write Vault's policy crumpet" {
		t.Errorf("the plan is %v, %v", changes, err)
	}
	if err := up(w, named(t, vaultSteps...)); paas.CodeOf(err) != paas.Forbidden || !strings.Contains(err.Error(), "generate-root") {
		t.Errorf("up says %v", err)
	}
}

func TestNoShareAndNoTokenIsSaid(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	world := w.run()
	var said strings.Builder
	var mu sync.Mutex
	world.Say = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&said, format+"\n", args...)
	}
	err := bootstrap.Up(context.Background(), world, named(t, vaultSteps...), bootstrap.Options{Tell: func(e bootstrap.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&said, "%+v\n", e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if strings.Contains(said.String(), v.share(i)) {
			t.Errorf("share %d was said", i)
		}
	}
	if strings.Contains(said.String(), "root 1") {
		t.Error("the root token was said")
	}
	if !strings.Contains(said.String(), "3 to ann, 2 to bob") {
		t.Errorf("nobody was told who has the shares: %s", said.String())
	}
	for name, files := range w.state() {
		for path, text := range files {
			if name != "kept" && (strings.Contains(text, "root 1") || strings.Contains(text, v.share(0))) {
				t.Errorf("%s holds a secret in %s", name, path)
			}
		}
	}
}
