package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func decode[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func TestAppsComeInPages(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for i := range 5 {
		name := fmt.Sprintf("shop%d", i)
		spec := strings.Replace(shopSpec, `app "shop"`, `app "`+name+`"`, 1)
		apitest.Call(t, "POST", server.URL+"/v1/apps/"+name+"/releases", strings.NewReader(releaseBody(t, spec, nil)))
	}
	var names []string
	after, pages := "", 0
	for {
		_, text := apitest.Call(t, "GET", server.URL+"/v1/apps?limit=2&after="+after, nil)
		page := decode[wire.Apps](t, text)
		for _, app := range page.Items {
			names = append(names, app.App)
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"shop0", "shop1", "shop2", "shop3", "shop4"}, names); diff != "" || pages != 3 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	_, text := apitest.Call(t, "GET", server.URL+"/v1/apps?team=others", nil)
	if got := strings.TrimSpace(string(text)); got != `{"items":[],"next":""}` {
		t.Errorf("another team: %s", got)
	}
}

func TestAListAndAStatusGiveOneReason(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	platform.SetFate(apitest.Fate{State: paas.DeploymentFailed, Reason: "web exited 3 times with code 1"})
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	_, text := apitest.Call(t, "GET", server.URL+"/v1/apps", nil)
	list := decode[wire.Apps](t, text)
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/shop/status", nil)
	status := decode[wire.Status](t, text)
	if len(list.Items) != 1 || list.Items[0].Reason != status.Reason || !strings.Contains(status.Reason, "exited 3 times") {
		t.Errorf("the list says %+v, the status %q", list.Items, status.Reason)
	}
}

func TestReleaseHasEveryFaultOfItsSpec(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	spec := "app \"shop\" {\n  build { builder = \"cobol\" }\n  process \"web\" {\n    instnaces = 2\n    memory = \"many\"\n  }\n}\n"
	answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, spec, nil)))
	if p := problemOf(t, answer, text); p.Status != http.StatusUnprocessableEntity || len(p.Errors) < 3 {
		t.Errorf("%s", text)
	}
	answer, text = apitest.Call(t, "POST", server.URL+"/v1/apps/other/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	if p := problemOf(t, answer, text); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Detail, `"shop"`) || !strings.Contains(p.Detail, `"other"`) {
		t.Errorf("%s", text)
	}
	if platform.Changes() != 0 {
		t.Error("a release that is not valid was made")
	}
}

func TestAReleaseThatIsNotThereNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	for path, want := range map[string]string{
		"shop/releases/9":         "App \"shop\" has no release 9; its newest is 1. `crumpet releases shop` lists those there are.",
		"nobody/releases/1":       "Team \"default\" has no app \"nobody\". `crumpet apps` lists those there are.",
		"shop/diff?from=9&to=1":   "App \"shop\" has no release 9; its newest is 1. `crumpet releases shop` lists those there are.",
		"nobody/diff?from=1&to=2": "Team \"default\" has no app \"nobody\". `crumpet apps` lists those there are.",
	} {
		answer, text := apitest.Call(t, "GET", server.URL+"/v1/apps/"+path, nil)
		if got := problemOf(t, answer, text); got.Status != http.StatusNotFound || got.Detail != want {
			t.Errorf("%s: %d %q, want %q", path, got.Status, got.Detail, want)
		}
	}
}

func TestReleaseNamesWhatToWatch(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	url := server.URL + "/v1/apps/shop/releases"
	answer, text := apitest.Call(t, "POST", url, strings.NewReader(releaseBody(t, shopSpec, nil)))
	first := decode[wire.Deployed](t, text)
	if answer.StatusCode != http.StatusAccepted || !first.Changed || first.Deployment == nil || first.Release.Number != 1 || first.Release.CreatedBy != "tester" {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if diff := cmp.Diff([]string{"http://shop.localhost:9999/"}, first.URLs); diff != "" {
		t.Error(diff)
	}
	answer, text = apitest.Call(t, "POST", url, strings.NewReader(releaseBody(t, shopSpec, nil)))
	if again := decode[wire.Deployed](t, text); answer.StatusCode != http.StatusOK || again.Changed || again.Deployment != nil || again.Release.Number != 1 {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestBuildOfAnotherTeamIsNotFound(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	source := platform.PutBlob([]byte("[]"))
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/builds?team=others", strings.NewReader(`{"source":"`+source+`","builder":"go"}`))
	if answer, _ := apitest.Call(t, "GET", server.URL+"/v1/builds/b1?team=others", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("its own team: %d", answer.StatusCode)
	}
	if answer, text := apitest.Call(t, "GET", server.URL+"/v1/builds/b1", nil); problemOf(t, answer, text).Code != paas.NotFound {
		t.Errorf("another team: %d", answer.StatusCode)
	}
}

func TestReadyNamesTheBackendThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	config.Backends = []api.Backend{
		{Name: "nomad", Ping: func(context.Context) error { return nil }},
		{Name: "consul", Ping: func(context.Context) error { return errors.New("dial 10.0.0.1 with token hunter2") }},
		{Name: "vault", Ping: func(context.Context) error { return paas.Errorf(paas.Unavailable, "Vault is sealed.") }},
	}
	server := apitest.Start(t, config)
	answer, text := apitest.Call(t, "GET", server.URL+"/readyz", nil)
	want := wire.Ready{Role: "leader", Backends: map[string]string{"nomad": "ok", "consul": "does not answer", "vault": "Vault is sealed."}}
	if diff := cmp.Diff(want, decode[wire.Ready](t, text)); diff != "" || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d %s", answer.StatusCode, diff)
	}
}

func TestMetricsCountByRouteNotByPath(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	apitest.Call(t, "GET", server.URL+"/v1/apps/ghost/status", nil)
	apitest.Call(t, "GET", server.URL+"/v1/nothing/at/all", nil)
	_, text := apitest.Call(t, "GET", server.URL+"/metrics", nil)
	if want := `crumpet_http_requests_total{code="404",method="GET",route="/v1/apps/:app/status"} 1`; !strings.Contains(string(text), want) {
		t.Errorf("no %s in\n%s", want, text)
	}
	if strings.Contains(string(text), "ghost") || strings.Contains(string(text), "at/all") {
		t.Errorf("metrics hold paths:\n%s", text)
	}
}
