package vault_test

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func TestEachGenerationOfABindingEndsByItself(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx := t.Context()
		for _, b := range []paas.Binding{
			{Team: "alpha", App: "shop", Name: "queue", Instance: "shop-queue"},
			{Team: "alpha", Name: "admin", Instance: "shop-queue"}, // a key
		} {
			odd := map[string]string{"uri": "amqp://u:p@h/ü?a=1&b", "with-dash.and.dot": "", paas.CredentialsKey: `{"uri":"x"}`}
			for want := 1; want <= 3; want++ {
				if n, err := v.crumpet.PutBinding(ctx, b, odd); err != nil || n != want {
					t.Fatalf("generation %d is %d: %v", want, n, err)
				}
			}
			got, err := v.crumpet.Binding(ctx, b)
			if diff := gocmp.Diff(odd, got); err != nil || diff != "" {
				t.Errorf("newest: %v %s", err, diff)
			}
			if err := v.crumpet.DestroyBinding(ctx, b, 3); err != nil {
				t.Fatal(err)
			}
			_, err = v.crumpet.Binding(ctx, b)
			wantError(t, err, paas.NotFound, b.Name)
			if n, err := v.crumpet.PutBinding(ctx, b, map[string]string{"a": "b"}); err != nil || n != 4 {
				t.Errorf("after a destroyed one comes %d: %v", n, err)
			}
			for range 2 { // the second time there is none
				if err := v.crumpet.DeleteBinding(ctx, b); err != nil {
					t.Error(err)
				}
				if err := v.crumpet.DestroyBinding(ctx, b, 1); err != nil {
					t.Error(err)
				}
			}
			_, err = v.crumpet.Binding(ctx, b)
			wantError(t, err, paas.NotFound, b.Name)
		}
	})
}

func TestWhatWasGivenIsVersioned(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx := t.Context()
		for _, p := range []paas.ParamsPath{
			{Team: "alpha", Instance: "shop-db"}, {Team: "alpha", Instance: "shop-db", Binding: "shop.db"}, {Team: "alpha", Instance: "shop-db", Binding: ".admin"},
		} {
			for n, text := range []string{"one", "two"} {
				if version, err := v.crumpet.PutParams(ctx, p, map[string]string{"parameters": text}); err != nil || version != n+1 {
					t.Fatalf("%+v: version %d, %v", p, version, err)
				}
			}
			for version, want := range map[int]string{1: "one", 2: "two"} {
				if got, err := v.crumpet.Params(ctx, p, version); err != nil || got["parameters"] != want {
					t.Errorf("%+v, version %d: %v, %v", p, version, got, err)
				}
			}
		}
		if err := v.crumpet.DeleteParams(ctx, paas.ParamsPath{Team: "alpha", Instance: "shop-db"}); err != nil {
			t.Fatal(err)
		}
		_, err := v.crumpet.Params(ctx, paas.ParamsPath{Team: "alpha", Instance: "shop-db"}, 2)
		wantError(t, err, paas.NotFound)
		if _, err := v.crumpet.Params(ctx, paas.ParamsPath{Team: "alpha", Instance: "shop-db", Binding: "shop.db"}, 2); err != nil {
			t.Errorf("those of a binding went with it: %v", err)
		}
	})
}

func TestOnlyTheNewestPasswordOfAProviderIsKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx := t.Context()
		_, err := v.crumpet.Provider(ctx, "acme")
		wantError(t, err, paas.NotFound)
		for _, password := range []string{"first", "second"} {
			if err := v.crumpet.PutProvider(ctx, "acme", map[string]string{"password": password}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := v.crumpet.Provider(ctx, "acme"); err != nil || got["password"] != "second" {
			t.Errorf("%v, %v", got, err)
		}
		if err := v.crumpet.DeleteProvider(ctx, "acme"); err != nil {
			t.Fatal(err)
		}
		_, err = v.crumpet.Provider(ctx, "acme")
		wantError(t, err, paas.NotFound)
	})
}

func TestWhatIsNoNameOfAServiceStandsInNoPath(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		ctx, values := t.Context(), map[string]string{"a": "b"}
		for _, bad := range []string{"", "..", "a/b", "../../platform/artifacts", "A", "a--b", "a.b", "a?version=1", strings.Repeat("a", 100)} {
			for what, err := range map[string]error{
				"binding":  second(v.crumpet.PutBinding(ctx, paas.Binding{Team: "alpha", App: "shop", Name: bad, Instance: "db"}, values)),
				"key":      second(v.crumpet.PutBinding(ctx, paas.Binding{Team: "alpha", Name: bad, Instance: "db"}, values)),
				"instance": second(v.crumpet.PutParams(ctx, paas.ParamsPath{Team: "alpha", Instance: bad}, values)),
				"team":     second(v.crumpet.PutParams(ctx, paas.ParamsPath{Team: bad, Instance: "db"}, values)),
				"provider": v.crumpet.PutProvider(ctx, bad, values),
				"deleted":  v.crumpet.DeleteProvider(ctx, bad),
			} {
				if paas.CodeOf(err) != paas.Invalid {
					t.Errorf("%s called %q: %v", what, bad, err)
				}
			}
			if _, err := v.crumpet.PutParams(ctx, paas.ParamsPath{Team: "alpha", Instance: "db", Binding: "shop." + bad}, values); paas.CodeOf(err) != paas.Invalid {
				t.Errorf("for binding %q: %v", bad, err)
			}
		}
	})
}

func TestTooMuchIsNotKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		secret := strings.Repeat("not-to-be-seen ", vault.MaxSecrets)
		_, err := v.crumpet.PutParams(t.Context(), paas.ParamsPath{Team: "alpha", Instance: "db"}, map[string]string{"parameters": secret})
		wantError(t, err, paas.Invalid, "services/alpha/db")
		if strings.Contains(err.Error(), "not-to-be-seen") {
			t.Error("the value is in the error")
		}
		if err := second(v.crumpet.PutBinding(t.Context(), paas.Binding{Team: "alpha", App: "a", Name: "b"}, map[string]string{"a": "\xff"})); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("bytes: %v", err)
		}
	})
}

func second[A any](_ A, err error) error { return err }
