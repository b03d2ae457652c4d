package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func TestAPlanTouchesNothingAndADiffComparesReleases(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	post := func(path, spec string) (int, []byte) {
		answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop"+path, strings.NewReader(releaseBody(t, spec, nil)))
		return answer.StatusCode, text
	}
	code, text := post("/plan", shopSpec)
	plan := decode[wire.Plan](t, text)
	if code != http.StatusOK || plan.Nothing || plan.Release != 1 || plan.Base.SpecDigest == "" || platform.Changes() != 0 {
		t.Fatalf("plan of the first: %d %s, %d changes", code, text, platform.Changes())
	}
	if code, text := post("/releases", shopSpec); code != http.StatusAccepted {
		t.Fatalf("release: %d %s", code, text)
	}
	if code, text := post("/plan", shopSpec); code != http.StatusOK || !decode[wire.Plan](t, text).Nothing {
		t.Errorf("plan of the same: %d %s", code, text)
	}
	if code, text := post("/plan", strings.Replace(shopSpec, `app "shop"`, `app "other"`, 1)); code != http.StatusUnprocessableEntity {
		t.Errorf("plan of another app's spec: %d %s", code, text)
	}
	post("/releases", strings.Replace(shopSpec, `app "shop" {`, "app \"shop\" {\n env = { GREETING = \"hi\" }\n", 1))

	get := func(query string) (int, []byte) {
		answer, text := apitest.Call(t, "GET", server.URL+"/v1/apps/shop/diff?"+query, nil)
		return answer.StatusCode, text
	}
	for _, query := range []string{"from=1", "from=1&to=2"} {
		code, text := get(query)
		diff := decode[wire.Diff](t, text)
		if code != http.StatusOK || diff.From != 1 || diff.To != 2 || len(diff.Changes) != 1 || diff.Changes[0].Key != "env.GREETING" {
			t.Errorf("diff %s: %d %s", query, code, text)
		}
	}
	if code, text := get("from=1&to=1"); code != http.StatusOK || !strings.Contains(string(text), `"changes":[]`) {
		t.Errorf("diff of a release with itself: %d %s", code, text)
	}
	if code, _ := get("from=7"); code != http.StatusNotFound {
		t.Errorf("diff with no release: %d", code)
	}
	if code, _ := get("to=1"); code != http.StatusUnprocessableEntity {
		t.Errorf("diff without from: %d", code)
	}
}
