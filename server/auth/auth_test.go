package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// tokens is a store in memory that counts its readers.
type tokens struct {
	mu    sync.Mutex
	rows  map[string]paas.Token
	reads int
	fails error
}

func (s *tokens) PutToken(_ context.Context, t paas.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[t.Hash] = t
	return nil
}

func (s *tokens) FirstToken(ctx context.Context, t paas.Token) (bool, error) {
	s.mu.Lock()
	known := len(s.rows)
	s.mu.Unlock()
	if known > 0 {
		return false, nil
	}
	return true, s.PutToken(ctx, t)
}

func (s *tokens) Token(_ context.Context, hash string) (paas.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.fails != nil {
		return paas.Token{}, s.fails
	}
	t, ok := s.rows[hash]
	if !ok {
		return paas.Token{}, paas.Errorf(paas.NotFound, "no token")
	}
	return t, nil
}

func TestIssuedTokenIsCheckedAndNeverStored(t *testing.T) {
	t.Parallel()
	store := &tokens{rows: map[string]paas.Token{}}
	a := auth.New(store, time.Now)

	plain, err := a.Issue(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(plain, auth.Prefix) || len(plain) < 50 {
		t.Errorf("token has %d characters and prefix %q", len(plain), plain[:8])
	}
	for hash, row := range store.rows {
		if strings.Contains(hash, plain) || strings.Contains(row.Name, plain) || len(hash) != 64 {
			t.Errorf("the store holds the plain token, or no SHA-256: %q", hash)
		}
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		got, err := a.Check(t.Context(), scheme+plain)
		if err != nil || got.User != "ann" {
			t.Errorf("Check(%q...) = %v, %v", scheme, got, err)
		}
	}
	if store.reads != 1 {
		t.Errorf("store was read %d times for one token, want 1", store.reads)
	}
	other, err := a.Issue(t.Context(), "bob")
	if err != nil || other == plain {
		t.Errorf("second token: equal=%v, %v", other == plain, err)
	}
}

func TestWhatIsNoTokenIsUnauthorized(t *testing.T) {
	t.Parallel()
	a := auth.New(&tokens{rows: map[string]paas.Token{}}, time.Now)
	plain, err := a.Issue(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"no header":       "",
		"no scheme":       plain,
		"basic":           "Basic " + plain,
		"empty":           "Bearer ",
		"another":         "Bearer " + auth.Prefix + strings.Repeat("x", 43),
		"cut":             "Bearer " + plain[:len(plain)-1],
		"without prefix":  "Bearer " + strings.TrimPrefix(plain, auth.Prefix),
		"more after it":   "Bearer " + plain + "x",
		"two of them":     "Bearer " + plain + " " + plain,
		"the stored hash": "Bearer " + auth.Prefix + strings.Repeat("0", 64),
	} {
		_, err := a.Check(t.Context(), header)
		if paas.CodeOf(err) != paas.Unauthorized {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), plain) {
			t.Errorf("%s: the error shows the token", name)
		}
		if strings.HasPrefix(header, "Bearer ") && !strings.Contains(err.Error(), "crumpet login") {
			t.Errorf("%s: no next step in %q", name, err)
		}
	}
}

func TestCacheForgets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	store := &tokens{rows: map[string]paas.Token{}}
	a := auth.New(store, func() time.Time { return now })
	plain, err := a.Issue(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(t.Context(), "Bearer "+plain); err != nil {
		t.Fatal(err)
	}
	clear(store.rows)
	now = now.Add(time.Minute)
	if _, err := a.Check(t.Context(), "Bearer "+plain); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("a deleted token is still taken after a minute: %v", err)
	}
}

func TestStoreThatDoesNotAnswerIsNotUnauthorized(t *testing.T) {
	t.Parallel()
	store := &tokens{rows: map[string]paas.Token{}, fails: paas.Errorf(paas.Unavailable, "The store does not answer.")}
	a := auth.New(store, time.Now)
	if _, err := a.Check(t.Context(), "Bearer "+auth.Prefix+strings.Repeat("x", 43)); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestAdoptRefusesWeakTokens(t *testing.T) {
	t.Parallel()
	a := auth.New(&tokens{rows: map[string]paas.Token{}}, time.Now)
	for _, plain := range []string{"", "crumpet_", "crumpet_short", strings.Repeat("x", 60)} {
		if err := a.Adopt(t.Context(), "x", plain); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("Adopt(%q) = %v", plain, err)
		}
	}
}

func TestOnlyTheFirstOfFirstTokensIsAdopted(t *testing.T) {
	t.Parallel()
	a := auth.New(&tokens{rows: map[string]paas.Token{}}, time.Now)
	first, second := auth.NewToken(), auth.NewToken()
	if adopted, err := a.AdoptFirst(t.Context(), "root", first); !adopted || err != nil {
		t.Fatalf("the first: %t, %v", adopted, err)
	}
	if adopted, err := a.AdoptFirst(t.Context(), "root", second); adopted || err != nil {
		t.Fatalf("the second: %t, %v", adopted, err)
	}
	if _, err := a.Check(t.Context(), "Bearer "+first); err != nil {
		t.Errorf("the first is not taken: %v", err)
	}
	if _, err := a.Check(t.Context(), "Bearer "+second); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("the second is taken: %v", err)
	}
	if _, err := a.AdoptFirst(t.Context(), "root", "weak"); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("a weak one: %v", err)
	}
}
