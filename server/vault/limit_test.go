package vault_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func TestWhatVaultMustNotGetIsRefusedBeforeTheCall(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("not-to-be-seen", 80_000)
	many := map[string]string{}
	for _, c := range "ABCDE" {
		many[string(c)] = strings.Repeat("x", 60<<10)
	}
	tests := []struct {
		name   string
		values map[string]string
		says   []string
		faults int
	}{
		{"a value of a megabyte", map[string]string{"BLOB": big, "OK": "x"}, []string{`"BLOB"`, "1120000 bytes", "65536"}, 1},
		{"all together", many, []string{"307205", "262144"}, 1},
		{"a slash", map[string]string{"a/b": "not-to-be-seen"}, []string{`"a/b"`, `'/'`}, 1},
		{"a dot", map[string]string{"a.b": "x"}, []string{`"a.b"`, `'.'`}, 1},
		{"a digit first", map[string]string{"1A": "x"}, []string{`"1A"`, "digit"}, 1},
		{"no name", map[string]string{"": "x"}, []string{"empty"}, 1},
		{"a space", map[string]string{"A B": "x"}, []string{`"A B"`}, 1},
		{"another alphabet", map[string]string{"SCHLÜSSEL": "x"}, []string{`'Ü'`}, 1},
		{"a value that JSON would change", map[string]string{"KEYSTORE": "not-to-be-seen\xff"}, []string{`"KEYSTORE"`, "base64"}, 1},
		{"a name that is too long", map[string]string{strings.Repeat("A", 257): "x"}, []string{"257", "256"}, 1},
		{"all faults are said", map[string]string{"a/b": "x", "c.d": "x", "E": big}, []string{`"E"`}, 3},
	}
	var calls atomic.Int32
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); fail(w, 500) }), vault.Config{})
	for _, tt := range tests {
		_, err := c.PutSecrets(t.Context(), paas.AppRef{Team: "alpha", App: "shop"}, tt.values, 0)
		wantError(t, err, paas.Invalid, tt.says...)
		if n := len(paas.FaultsOf(err)); n != tt.faults {
			t.Errorf("%s: %d faults, want %d", tt.name, n, tt.faults)
		}
	}
	for _, ref := range []paas.AppRef{{}, {Team: "alpha"}, {Team: "alpha", App: "../store"}, {Team: "a/b", App: "shop"}, {Team: "alpha", App: "a--b"}, {Team: "alpha", App: "Shop"}, {Team: "alpha", App: "*"}} {
		_, put := c.PutSecrets(t.Context(), ref, nil, 0)
		_, read := c.Secrets(t.Context(), ref, 1)
		_, versions := c.SecretVersions(t.Context(), ref)
		for i, err := range []error{
			put, read, versions, c.KeepVersions(t.Context(), ref, 1), c.DeleteSecrets(t.Context(), ref),
			c.PutAppRole(t.Context(), ref, []string{ref.App + ".blue"}), c.DeleteAppRole(t.Context(), ref), c.PutAppPolicy(t.Context(), ref), c.DeleteAppPolicy(t.Context(), ref),
		} {
			if paas.CodeOf(err) != paas.Invalid {
				t.Errorf("call %d for %v: %v, want invalid", i, ref, err)
			}
		}
	}
	shop := paas.AppRef{Team: "alpha", App: "shop"}
	for _, jobs := range [][]string{nil, {"store.blue"}, {"shop.blue", "shop.*"}, {"shop*"}, {"shop"}, {"shop."}, {"shop-staging.blue"}, {"shop.blue,store.blue"}, {""}} {
		if err := c.PutAppRole(t.Context(), shop, jobs); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("a role for jobs %q: %v, want invalid", jobs, err)
		}
	}
	if err := c.KeepVersions(t.Context(), shop, 0); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("no version kept: %v, want invalid", err)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestAnAnswerThatIsNoneOfVaultsShowsNoValue(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`<html>not-to-be-seen</html>`, `{"data":{"data":{"PIN":4711}}}`, `{"data":{"data":["not-to-be-seen"]}}`, `{"data":{"data":{"A":"not-to-be-seen"`, ``,
	} {
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), vault.Config{})
		_, err := c.Secrets(t.Context(), paas.AppRef{Team: "alpha", App: "shop"}, 1)
		wantError(t, err, paas.Internal)
		if err != nil && strings.Contains(err.Error(), "4711") {
			t.Errorf("the error shows a value: %v", err)
		}
	}
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{}}`) }), vault.Config{})
	_, err := c.PutSecrets(t.Context(), paas.AppRef{Team: "alpha", App: "shop"}, nil, 0)
	wantError(t, err, paas.Internal, "which version")
}
