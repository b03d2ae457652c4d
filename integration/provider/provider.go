package provider

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The client that the provider knows.
const (
	ClientID = "crumpet"
	Secret   = "a secret of the client's"
)

// User is who is let in.
type User struct {
	Subject, Name, Full, Email string

	// Claims stand in the ID token, Info in the user info.
	Claims, Info map[string]any
}

// Provider is one that runs.
type Provider struct {
	URL string // its issuer

	clients map[string]*storage.Client
	storage *storage.Storage

	mu    sync.Mutex // guards the following
	user  User
	deny  bool
	twist func(header, claims map[string]any)
	other bool // sign with another key
	down  bool
	asked int // for its addresses
}

// Start runs a provider until the test ends.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{clients: map[string]*storage.Client{}}
	server := httptest.NewUnstartedServer(nil)
	p.URL = "http://" + server.Listener.Addr().String()
	p.storage = storage.NewStorageWithClients(p, p.clients)
	provider, err := op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, CryptoKeyId: "key1", CodeMethodS256: true, AuthMethodPost: true},
		p.storage, op.StaticIssuer(p.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		request, err := p.storage.AuthRequestByID(r.Context(), id)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		user, deny := p.now()
		if deny {
			back := url.Values{"error": {"access_denied"}, "error_description": {"<b>no</b>"}, "state": {request.GetState()}}
			http.Redirect(w, r, request.GetRedirectURI()+"?"+back.Encode(), http.StatusFound)
			return
		}
		if err := p.storage.CheckUsernamePassword(user.Name, "", id); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		back := op.AuthCallbackURL(provider)(op.ContextWithIssuer(r.Context(), p.URL), id)
		http.Redirect(w, r, back, http.StatusFound)
	})
	mux.Handle("/", provider)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down := p.down
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			p.asked++
		}
		p.mu.Unlock()
		switch {
		case down:
			http.Error(w, "down", http.StatusBadGateway)
		case r.URL.Path == "/oauth/token", r.URL.Path == "/userinfo":
			p.twisted(t, w, r, mux)
		default:
			mux.ServeHTTP(w, r)
		}
	})
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// Register makes the client known, with the address that it takes people back at.
func (p *Provider) Register(redirect string) {
	p.clients[ClientID] = storage.WebClient(ClientID, Secret, redirect)
}

// SetUser says who is let in from now on.
func (p *Provider) SetUser(u User) { p.set(func() { p.user = u }) }

// Deny has nobody let in.
func (p *Provider) Deny(deny bool) { p.set(func() { p.deny = deny }) }

// Down has it answer nothing.
func (p *Provider) Down(down bool) { p.set(func() { p.down = down }) }

// Twist changes each ID token before it is signed; the algorithm none leaves it unsigned.
func (p *Provider) Twist(f func(header, claims map[string]any)) { p.set(func() { p.twist = f }) }

// Forge has ID tokens signed with a key that is not the provider's, under the name of one that is.
func (p *Provider) Forge(forge bool) { p.set(func() { p.other = forge }) }

// Asked counts how often it was asked for its addresses.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *Provider) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *Provider) now() (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.user, p.deny
}

// twisted passes a request on and changes what is answered.
func (p *Provider) twisted(t testing.TB, w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	var fields map[string]any
	if answer.Code == http.StatusOK && json.Unmarshal(body, &fields) == nil {
		user, _ := p.now()
		if token, ok := fields["id_token"].(string); ok {
			fields["id_token"] = p.signed(t, token, user)
		} else {
			maps.Copy(fields, user.Info)
		}
		body, _ = json.Marshal(fields) // of what was JSON
	}
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	_, _ = io.Copy(w, bytes.NewReader(body)) // to a client that may have left
}

// signed gives an ID token with the claims of a user, twisted, and signed again.
func (p *Provider) signed(t testing.TB, token string, user User) string {
	parts := strings.Split(token, ".")
	header, claims := decoded(t, parts[0]), decoded(t, parts[1])
	maps.Copy(claims, user.Claims)
	p.mu.Lock()
	twist, other := p.twist, p.other
	p.mu.Unlock()
	if twist != nil {
		twist(header, claims)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Error(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signing := b64(head) + "." + b64(text)
	if header["alg"] == "none" {
		return signing + "."
	}
	own, err := p.storage.SigningKey(t.Context())
	key, ok := own.Key().(*rsa.PrivateKey)
	if err != nil || !ok {
		t.Errorf("the provider's key is a %T: %v", own.Key(), err)
		return ""
	}
	if other {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Error(err)
		}
	}
	digest := sha256.Sum256([]byte(signing))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Error(err)
	}
	return signing + "." + b64(signature)
}

func decoded(t testing.TB, part string) map[string]any {
	var fields map[string]any
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		t.Error(err)
	}
	return fields
}

// GetUserByID and the following are what zitadel's storage asks for its users.
func (p *Provider) GetUserByID(id string) *storage.User {
	u, _ := p.now()
	if u.Subject != id {
		return nil
	}
	return &storage.User{ID: u.Subject, Username: u.Name, FirstName: u.Full, Email: u.Email, EmailVerified: true}
}

// GetUserByUsername is as GetUserByID.
func (p *Provider) GetUserByUsername(name string) *storage.User {
	u, _ := p.now()
	if u.Name != name {
		return nil
	}
	return p.GetUserByID(u.Subject)
}

// ExampleClientID is of a service that there is not.
func (p *Provider) ExampleClientID() string { return "none" }
