package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/audit"
	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
)

// gated is an API whose callers, teams and audit are in a real store; what they do falls on a platform of maps.
type gated struct {
	url    string
	store  *store.Store
	auth   *auth.Auth
	now    func() time.Time
	config *api.Config
}

// known takes teams from the store, and everything else from the platform.
type known struct {
	*apitest.Platform
	store *store.Store
}

func (k known) Team(ctx context.Context, name string) (paas.Team, error) {
	return k.store.Team(ctx, name)
}

func startGated(t *testing.T, change func(*api.Config)) *gated {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Path: storetest.Path(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	platform := apitest.NewPlatform()
	config := apitest.Config(t, platform)
	a := auth.New(auth.Config{Store: st, Now: time.Now, Log: config.Log})
	config.Auth, config.Tokens, config.Users = a, a, auth.NewUsers(st, a, auth.NewPasswords(auth.Cost{Memory: 64, Time: 1, Threads: 1}), time.Now)
	config.Store = known{platform, st}
	config.Audit = audit.New(st, config.Log, time.Now)
	if change != nil {
		change(&config)
	}
	server := apitest.Start(t, config)
	g := &gated{url: server.URL, store: st, auth: a, now: time.Now, config: &config}
	for _, team := range []string{"crew", "rivals"} {
		g.must(t, st.AddTeam(t.Context(), paas.Team{Name: team, CreatedAt: time.Now()}))
	}
	return g
}

func (g *gated) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// user makes a user with a role in a team, none without one, and gives a token of that user's.
func (g *gated) user(t *testing.T, name string, kind paas.UserKind, role paas.Role, team string, scope paas.Scope) string {
	t.Helper()
	ctx := t.Context()
	if _, err := g.store.User(ctx, name); err != nil {
		var in []paas.Member
		if team != "" {
			in = append(in, paas.Member{Team: team, User: name, Role: role, Source: paas.Given, CreatedAt: time.Now()})
		}
		g.must(t, g.store.AddUser(ctx, paas.User{Name: name, Kind: kind, Admin: role == paas.Admin, CreatedAt: time.Now()}, in...))
	}
	return g.token(t, name, scope)
}

func (g *gated) token(t *testing.T, owner string, scope paas.Scope) string {
	t.Helper()
	plain := auth.NewToken()
	soon := time.Now().Add(time.Hour)
	g.must(t, g.store.PutToken(t.Context(), paas.Token{
		ID: plain[len(plain)-12:], Hash: hashOf(plain), Name: "of " + owner, Owner: owner, Scope: scope, CreatedAt: time.Now(), ExpiresAt: &soon,
	}))
	return plain
}

func hashOf(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}

var (
	roleNames = []string{"anonymous", "viewer", "developer", "maintainer", "other", "admin", "bot", "narrowed"}
	parameter = regexp.MustCompile(`\{(\w+)\}`)
	cellRow   = regexp.MustCompile("^\\| `([A-Z]+) ([^`]+)` \\| (\\w+) \\| (.*) \\|$")
)

// rolesTable reads the cells of docs/roles.md, by operation.
func rolesTable(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		found := cellRow.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		if table[found[3]] != nil {
			t.Errorf("docs/roles.md has two rows of %s", found[3])
		}
		table[found[3]] = append(strings.Split(found[4], " | "), found[1]+" "+found[2])
	}
	return table
}

func TestEveryRouteAsEveryRole(t *testing.T) {
	t.Parallel()
	g := startGated(t, nil)
	ci := paas.Scope{Apps: []string{"crew/shop"}, Verbs: []paas.Verb{paas.VerbRead, paas.VerbDeploy}}
	tokenOf := map[string]func() string{
		"anonymous":  func() string { return "" },
		"viewer":     func() string { return g.user(t, "vera", paas.Person, paas.Viewer, "crew", paas.Scope{}) },
		"developer":  func() string { return g.user(t, "dora", paas.Person, paas.Developer, "crew", paas.Scope{}) },
		"maintainer": func() string { return g.user(t, "mara", paas.Person, paas.Maintainer, "crew", paas.Scope{}) },
		"other":      func() string { return g.user(t, "otto", paas.Person, paas.Maintainer, "rivals", paas.Scope{}) },
		"admin":      func() string { return g.user(t, "anna", paas.Person, paas.Admin, "", paas.Scope{}) },
		"bot":        func() string { return g.user(t, "crew-ci", paas.Bot, paas.Developer, "crew", paas.Scope{}) },
		"narrowed":   func() string { return g.user(t, "mara", paas.Person, paas.Maintainer, "crew", ci) },
	}
	table := rolesTable(t)
	tokens := map[string]string{}
	for role, make := range tokenOf {
		tokens[role] = make()
	}
	for _, row := range api.Routes() {
		want := table[row.Operation]
		delete(table, row.Operation)
		if len(want) != len(roleNames)+1 {
			t.Errorf("docs/roles.md has no row with %d cells of %s %s (%s)", len(roleNames), row.Method, row.Path, row.Operation)
			continue
		}
		if want[len(roleNames)] != row.Method+" "+row.Path {
			t.Errorf("docs/roles.md calls %s %q, it is %s %s", row.Operation, want[len(roleNames)], row.Method, row.Path)
		}
		for i, role := range roleNames {
			token := tokens[role]
			if row.Operation == "logout" && token != "" { // it ends its own token
				token = tokenOf[role]()
			}
			if got := g.cell(t, row, token); got != want[i] {
				t.Errorf("%s as %s: %s, docs/roles.md wants %s", row.Operation, role, got, want[i])
			}
		}
	}
	for operation := range maps.Keys(table) {
		t.Errorf("docs/roles.md has a row of %s, which is no operation", operation)
	}
}

// cell makes a call, and says whether it was let through.
func (g *gated) cell(t *testing.T, row api.Route, token string) string {
	t.Helper()
	values := map[string]string{
		"app": "shop", "team": "crew", "number": "1", "id": "none-such", "instance": "none-such", "service": "orders", "key": "reader", "node": "none-such",
		"provider": "none-such", "volume": "none-such", "user": "nobody", "bot": "nobot", "host": "none.example.com", "digest": strings.Repeat("a", 64),
	}
	path := parameter.ReplaceAllStringFunc(row.Path, func(name string) string {
		value, known := values[strings.Trim(name, "{}")]
		if !known {
			t.Fatalf("%s: no value for %s", row.Path, name)
		}
		return value
	})
	address := g.url + path + "?team=crew"
	if strings.HasPrefix(row.Operation, "artifact") {
		address = api.ArtifactURL(g.url, apitest.ArtifactKey, values["digest"])
	}
	status := g.status(t, row.Method, address, token, "{}")
	switch status {
	case http.StatusUnauthorized:
		return "401"
	case http.StatusForbidden:
		return "403"
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusMethodNotAllowed:
		return http.StatusText(status)
	}
	return "yes"
}

// status makes a call and gives the status of its answer, without reading a stream to its end.
func (g *gated) status(t *testing.T, method, address, token, body string, headers ...string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains([]string{"GET", "HEAD", "DELETE"}, method) {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	one := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := one.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	_ = answer.Body.Close() // a stream is not read to its end
	return answer.StatusCode
}
