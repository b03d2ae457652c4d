package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/crumpet-paas/crumpet/policies"
	devvault "github.com/crumpet-paas/crumpet/server/devstack/vault"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/postgres"
	"github.com/crumpet-paas/crumpet/server/service"
	"github.com/crumpet-paas/crumpet/server/store/pgtest"
	"github.com/crumpet-paas/crumpet/server/vault"
)

const accountPassword = "account-pw-that-nobody-may-see"

// pgWorld is a PostgreSQL with an account for Crumpet, and a Vault with the server's own policy.
type pgWorld struct {
	t       *testing.T
	super   string // URL
	port    int
	account service.Account
	vault   *vault.Client
	service.Postgres
}

// onEachPG runs a test on the stand-in and, where it is on PATH, on the real program.
func onEachPG(t *testing.T, test func(t *testing.T, w *pgWorld)) {
	for name, open := range map[string]func(*testing.T) string{"stand-in": openStandIn, "real": openReal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := open(t)
			test(t, newPGWorld(t, addr))
		})
	}
}

func openStandIn(t *testing.T) string {
	s, err := devvault.Open(devvault.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func openReal(t *testing.T) string {
	program := ""
	for _, dir := range append(filepath.SplitList(os.Getenv("CRUMPET_REAL_PATH")), filepath.SplitList(os.Getenv("PATH"))...) {
		for _, name := range []string{"vault", "bao"} {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); program == "" && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				program = path
			}
		}
	}
	if program == "" {
		t.Skip("neither vault nor bao is on PATH or CRUMPET_REAL_PATH: the stand-in alone was asked")
	}
	dir, listen := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "config.hcl")
	text := fmt.Sprintf("disable_mlock = true\napi_addr = \"http://%[1]s\"\nstorage \"inmem\" {}\nlistener \"tcp\" {\n  address = %[1]q\n  cluster_address = %[2]q\n  tls_disable = true\n}\n", listen, freeAddress(t))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(program, "server", "-config", config)
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it keeps nothing that is wanted
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, &out)
		}
	})
	pgUntil(t, "the real Vault answers", func() bool {
		resp, err := http.Get("http://" + listen + "/v1/sys/init")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	})
	return "http://" + listen
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the number is all that is wanted
	return l.Addr().String()
}

func newPGWorld(t *testing.T, addr string) *pgWorld {
	t.Helper()
	cluster := pgtest.Own(t)
	w := &pgWorld{t: t, port: cluster.Port, super: cluster.URL("postgres")}
	pgtest.Exec(t.Context(), t, w.super, "CREATE ROLE account LOGIN CREATEROLE CREATEDB PASSWORD '"+accountPassword+"'")
	root := ""
	send := func(method, path string, body, into any) {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, addr+"/v1/"+path, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Vault-Token", root)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // only read
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
		}
		if into != nil && json.Unmarshal(text, into) != nil {
			t.Fatalf("%s %s: %s", method, path, text)
		}
	}
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	send("PUT", "sys/init", map[string]any{"secret_shares": 1, "secret_threshold": 1}, &made)
	send("PUT", "sys/unseal", map[string]any{"key": made.Keys[0]}, nil)
	root = made.Root
	pgUntil(t, "the Vault is active", func() bool {
		resp, err := http.Get(addr + "/v1/sys/health")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	send("POST", "sys/mounts/database", map[string]any{"type": "database"}, nil)
	send("PUT", "sys/policies/acl/crumpet", map[string]any{"policy": policies.Server}, nil)
	var token struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	send("POST", "auth/token/create-orphan", map[string]any{"policies": []string{"crumpet"}, "period": "72h", "no_default_policy": true}, &token)
	var err error
	if w.vault, err = vault.New(vault.Config{Addr: addr, Token: token.Auth.Token, Timeout: 30 * time.Second}); err != nil {
		t.Fatal(err)
	}
	w.Postgres = service.Postgres{Vault: w.vault, SQL: postgres.Client{}, Now: time.Now}
	w.account = service.Account{Provider: paas.Provider{
		Name: "pg", Kind: paas.KindPostgres, URL: fmt.Sprintf("postgres://127.0.0.1:%d", w.port), Username: "account",
	}, Secret: service.ProviderSecret{Password: paas.NewSecret(accountPassword)}}
	return w
}

func pgUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}

func (w *pgWorld) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// registered is a world whose server is.
func (w *pgWorld) registered() *pgWorld {
	w.t.Helper()
	_, err := w.Register(w.t.Context(), w.account)
	w.check(err)
	w.account.Secret = service.ProviderSecret{}
	return w
}

// call is one for an instance of team alpha, and for a binding db of its app shop.
func (w *pgWorld) call(id string, generation int) service.Call {
	return service.Call{Account: w.account, Row: paas.Operation{
		Team: "alpha", Instance: "shop-db", App: "shop", Binding: "db",
		Target: paas.OperationTarget{InstanceID: id, PlanID: "postgres-small", Generation: generation},
	}}
}

// user is one that Vault makes for a program.
func (w *pgWorld) user(generation int) paas.DatabaseUser {
	w.t.Helper()
	u, err := w.vault.Credentials(w.t.Context(), paas.Binding{Team: "alpha", App: "shop", Name: "db"}.CredentialsRole(generation))
	w.check(err)
	return u
}

// connect logs in to an instance's database.
func (w *pgWorld) connect(facts map[string]string, u paas.DatabaseUser) (*pgx.Conn, error) {
	w.t.Helper()
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(u.Username, u.Password.Reveal()), Host: net.JoinHostPort(facts["host"], facts["port"]),
		Path: facts["database"], RawQuery: "sslmode=" + facts["sslmode"],
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address.String())
	if err == nil {
		w.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // it may have been ended
	}
	return conn, err
}

func (w *pgWorld) connected(facts map[string]string, u paas.DatabaseUser) *pgx.Conn {
	w.t.Helper()
	conn, err := w.connect(facts, u)
	w.check(err)
	return conn
}

// count asks a superuser for a number.
func (w *pgWorld) count(query string, args ...any) (n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.super)
	w.check(err)
	defer conn.Close(ctx) //nolint:errcheck // a reader
	w.check(conn.QueryRow(ctx, query, args...).Scan(&n))
	return n
}

// left counts what PostgreSQL and Vault have of an instance.
func (w *pgWorld) left(id string) int {
	w.t.Helper()
	n := w.count("SELECT (SELECT count(*) FROM pg_roles WHERE rolname IN ($1::text || '_owner', $1::text || '_vault')) + (SELECT count(*) FROM pg_database WHERE datname = $1::text)", "crumpet_"+id)
	if _, err := w.vault.Database(w.t.Context(), "crumpet--"+id); err == nil {
		n++
	} else if paas.CodeOf(err) != paas.NotFound {
		w.t.Fatal(err)
	}
	return n
}

// users counts those that Vault has made and not ended.
func (w *pgWorld) users() int {
	w.t.Helper()
	return w.count("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'")
}

var errKilled = errors.New("the server was killed here")

// mortal is a server that dies after a number of steps: statements, and calls of Vault. What it has sent was
// carried out.
type mortal struct {
	service.DatabaseVault
	service.SQL
	left int
}

// dies is a Postgres that makes so many steps and no more.
func (w *pgWorld) dies(steps int) (service.Postgres, *mortal) {
	m := &mortal{DatabaseVault: w.vault, SQL: postgres.Client{}, left: steps}
	return service.Postgres{Vault: m, SQL: m, Now: time.Now}, m
}

func (m *mortal) step() error {
	if m.left--; m.left < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Run(ctx context.Context, login paas.DatabaseLogin, statements []string) error {
	may := min(max(m.left, 0), len(statements))
	m.left -= len(statements)
	if may > 0 {
		if err := m.SQL.Run(ctx, login, statements[:may]); err != nil {
			return err
		}
	}
	if may < len(statements) {
		m.left = -1
		return errKilled
	}
	return nil
}

func (m *mortal) Has(ctx context.Context, login paas.DatabaseLogin, query string) (bool, error) {
	if err := m.step(); err != nil {
		return false, err
	}
	return m.SQL.Has(ctx, login, query)
}

func (m *mortal) PutDatabase(ctx context.Context, d paas.DatabaseConnection) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.PutDatabase(ctx, d) }))
}

func (m *mortal) RotateDatabase(ctx context.Context, name string) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.RotateDatabase(ctx, name) }))
}

func (m *mortal) DeleteDatabase(ctx context.Context, name string) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.DeleteDatabase(ctx, name) }))
}

func (m *mortal) PutDatabaseRole(ctx context.Context, r paas.DatabaseRole) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.PutDatabaseRole(ctx, r) }))
}

func (m *mortal) DeleteDatabaseRole(ctx context.Context, name string) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.DeleteDatabaseRole(ctx, name) }))
}

func (m *mortal) RevokeCredentials(ctx context.Context, role string) error {
	return errors.Join(m.step(), m.alive(func() error { return m.DatabaseVault.RevokeCredentials(ctx, role) }))
}

func (m *mortal) Credentials(ctx context.Context, role string) (paas.DatabaseUser, error) {
	if err := m.step(); err != nil {
		return paas.DatabaseUser{}, err
	}
	return m.DatabaseVault.Credentials(ctx, role)
}

// RevokeLease is not made by who is dead.
func (m *mortal) RevokeLease(ctx context.Context, lease string) error {
	return m.alive(func() error { return m.DatabaseVault.RevokeLease(ctx, lease) })
}

func (m *mortal) alive(do func() error) error {
	if m.left < 0 {
		return errKilled
	}
	return do()
}
