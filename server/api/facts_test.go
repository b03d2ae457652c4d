package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

var shopRef = paas.AppRef{Team: paas.DefaultTeam, App: "shop"}

func TestAppsSayHowBusyTheyAreAndWhoDeployed(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	platform.SetInstances(shopRef,
		paas.Instance{ID: "i1", Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
		paas.Instance{ID: "i2", Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstancePending})
	_, text := apitest.Call(t, "GET", server.URL+"/v1/apps", nil)
	list := decode[wire.Apps](t, text)
	if len(list.Items) != 1 {
		t.Fatalf("%s", text)
	}
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/shop", nil)
	one := decode[wire.App](t, text)
	for what, app := range map[string]wire.App{"list": list.Items[0], "app": one} {
		if app.Wanted < 1 || app.Healthy != 1 || app.Rate != 10 || app.Errors != 0.05 || app.DeployedBy != "tester" || app.DeployedAt == nil {
			t.Errorf("%s: %+v", what, app)
		}
	}
}

func TestAppsAreFoundByAPartOfTheirNames(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	for _, name := range []string{"bookshop", "shop", "store"} {
		spec := strings.Replace(shopSpec, `app "shop"`, `app "`+name+`"`, 1)
		apitest.Call(t, "POST", server.URL+"/v1/apps/"+name+"/releases", strings.NewReader(releaseBody(t, spec, nil)))
	}
	for query, want := range map[string][]string{
		"q=shop": {"bookshop", "shop"}, "q=": {"bookshop", "shop", "store"}, "q=none": nil, "q=shop&after=default/bookshop": {"shop"}, "q=s&limit=1": {"bookshop"},
	} {
		_, text := apitest.Call(t, "GET", server.URL+"/v1/apps?"+query, nil)
		var got []string
		for _, app := range decode[wire.Apps](t, text).Items {
			got = append(got, app.App)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestAReleaseGivesTheTextItWasPushedWith(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	url := server.URL + "/v1/apps/shop/releases"
	written := "# mine\n" + shopSpec
	apitest.Call(t, "POST", url, strings.NewReader(releaseBody(t, written, map[string]any{"filename": "other.hcl"})))
	_, text := apitest.Call(t, "GET", url+"/1/spec", nil)
	if diff := cmp.Diff(wire.ReleaseSpec{Release: 1, Stored: true, Filename: "other.hcl", Text: written}, decode[wire.ReleaseSpec](t, text)); diff != "" {
		t.Error(diff)
	}
	// One of before texts were kept says so.
	if _, err := platform.Deploy(t.Context(), paas.DeployRequest{Team: "default", App: "old", Artifact: "a", By: "x"}); err != nil {
		t.Fatal(err)
	}
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/old/releases/1/spec", nil)
	if got := decode[wire.ReleaseSpec](t, text); got.Stored || got.Text != "" || !strings.Contains(got.Reason, "before Crumpet kept") {
		t.Errorf("%+v", got)
	}
	answer, _ := apitest.Call(t, "GET", url+"/9/spec", nil)
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("a release that is not there: %d", answer.StatusCode)
	}
}

func TestUsageIsOfEachInstance(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	platform.SetInstances(shopRef,
		paas.Instance{ID: "i2", Process: "web", Index: 1, Node: "node-2", State: paas.InstanceRunning},
		paas.Instance{ID: "i1", Process: "web", Index: 0, Node: "node-1", State: paas.InstanceRunning})
	_, text := apitest.Call(t, "GET", server.URL+"/v1/apps/shop/usage", nil)
	got := decode[wire.Usage](t, text)
	if len(got.Items) != 2 || got.Items[0].Instance != "i1" || !got.Items[0].Known || got.Items[0].Memory != 16 || got.Items[1].Known || got.Items[1].Reason == "" || got.At.IsZero() {
		t.Errorf("%s", text)
	}
}

func TestThePlatformIsShownInOneAnswer(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	_, text := apitest.Call(t, "GET", server.URL+"/v1/platform", nil)
	got := decode[paas.Platform](t, text)
	if got.Version != "test" || len(got.Servers) != 3 || len(got.Nodes) != 2 || len(got.Backends) != 2 || got.Routers[0].Routes != 7 {
		t.Errorf("%s", text)
	}
	if strings.Contains(string(text), "null") {
		t.Errorf("a list is null: %s", text)
	}
}

func TestAnAppBeginsWithATemplate(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	_, text := apitest.Call(t, "GET", server.URL+"/v1/templates", nil)
	if got := decode[wire.Templates](t, text); len(got.Items) != 2 || got.Items[0].Needs == nil {
		t.Errorf("%s", text)
	}
	post := func(body string) (int, []byte) {
		answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps", strings.NewReader(body))
		return answer.StatusCode, text
	}
	status, text := post(`{"app":"hello","template":"go-web"}`)
	begun := decode[paas.Launch](t, text)
	if status != http.StatusAccepted || begun.App != "hello" || begun.Team != "default" || begun.Build == "" || begun.State != paas.LaunchBuilding || begun.CreatedBy != "tester" {
		t.Errorf("%d %s", status, text)
	}
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/hello/launch", nil)
	if diff := cmp.Diff(begun, decode[paas.Launch](t, text)); diff != "" {
		t.Error(diff)
	}
	for body, want := range map[string]int{
		`{"app":"Hello","template":"go-web"}`: 422, `{"app":"hello","template":"none"}`: 404, `{"app":"x"}`: 422, `{"app":"../x","template":"go-web"}`: 422,
	} {
		if status, text := post(body); status != want {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

func TestATimelineBeginsWithTheBuildOfItsPush(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	source := platform.PutBlob([]byte("[]"))
	server := apitest.Start(t, apitest.Config(t, platform))
	_, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/builds", strings.NewReader(`{"source":"`+source+`","builder":"go"}`))
	var build paas.BuildJob
	if err := json.Unmarshal(text, &build); err != nil {
		t.Fatal(err)
	}
	build, err := platform.Build(t.Context(), build.ID)
	if err != nil {
		t.Fatal(err)
	}
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, map[string]any{"artifact": build.Artifact})))
	_, text = apitest.Call(t, "GET", server.URL+"/v1/apps/shop/deployments/d1/timeline", nil)
	got := decode[wire.Timeline](t, text)
	var kinds []paas.MilestoneKind
	var last time.Time
	for _, m := range got.Items {
		kinds = append(kinds, m.Kind)
		if m.At == nil || m.At.Before(last) {
			t.Errorf("%s comes at %v, after %s", m.Kind, m.At, last)
			continue
		}
		last = *m.At
	}
	want := []paas.MilestoneKind{paas.MilestonePushed, paas.MilestoneBuilt, paas.MilestoneReleased, paas.MilestoneStarted}
	if len(kinds) < 5 || !cmp.Equal(want, kinds[:4]) || got.State != paas.DeploymentHealthy || kinds[len(kinds)-1] != paas.MilestoneEnded {
		t.Errorf("%s: %v", got.State, kinds)
	}
	if answer, _ := apitest.Call(t, "GET", server.URL+"/v1/apps/shop/deployments/none/timeline", nil); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a deployment that is not there: %d", answer.StatusCode)
	}
}
