package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func TestARunIsSeenFromItsWishToItsEnd(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	c, err := client.New(client.Config{Addr: server.URL, Token: apitest.Token, Team: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if answer, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil))); answer.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	platform.SetRunExit(3)
	run, err := c.CreateRun(t.Context(), "shop", wire.CreateRun{Task: "seed", Args: []string{"a b"}})
	if err != nil || run.ID != "run1" || run.Status != paas.RunPending || run.Instance != "" {
		t.Fatalf("asked for: %+v, %v", run, err)
	}
	run, err = c.Run(t.Context(), "shop", "run1")
	if err != nil {
		t.Fatal(err)
	}
	run.CreatedAt, run.StartedAt, run.EndedAt = time.Time{}, nil, nil
	want := wire.Run{
		ID: "run1", App: "shop", Team: "default", Task: "seed", Kind: paas.JobRun, Release: 1, Status: paas.RunFailed, ExitCode: 3, Attempts: 1,
		Reason: "seed exited with code 3", Instance: "alloc-shop.run.run1", Node: "node-1", Args: []string{"a b"}, By: run.By,
	}
	if diff := cmp.Diff(want, run); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	platform.SetRunExit(-1)
	if _, err := c.CreateRun(t.Context(), "shop", wire.CreateRun{Task: "report"}); err != nil {
		t.Fatal(err)
	}
	if run, err = c.StopRun(t.Context(), "shop", "run2"); err != nil || run.Status != paas.RunKilled {
		t.Errorf("stopped: %+v, %v", run, err)
	}
	list, err := c.Runs(t.Context(), "shop")
	if err != nil || len(list.Items) != 2 || list.Items[0].ID != "run2" {
		t.Errorf("the newest is not the first of %+v, %v", list, err)
	}
	for id, code := range map[string]paas.Code{"run9": paas.NotFound, "run": paas.Invalid} {
		if _, err := c.Run(t.Context(), "shop", id); paas.CodeOf(err) != code {
			t.Errorf("run %s: %v, want code %s", id, err, code)
		}
	}
	if _, err := c.CreateRun(t.Context(), "shop", wire.CreateRun{Task: "sed"}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("a task that is not there: %v", err)
	}
}

func TestCronsSayWhenTheyFireAndHowTheyDid(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	c, err := client.New(client.Config{Addr: server.URL, Token: apitest.Token, Team: "default"})
	if err != nil {
		t.Fatal(err)
	}
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	list, err := c.Crons(t.Context(), "shop")
	if err != nil || len(list.Items) != 1 || list.Items[0].Stands || list.Items[0].Reason != "it is not registered yet" || list.Items[0].NextAt != nil {
		t.Fatalf("before it is registered: %+v, %v", list, err)
	}
	shop := paas.AppRef{Team: "default", App: "shop"}
	platform.PutSide(paas.Side{Team: "default", App: "shop", Job: "shop.cron.report", Kind: paas.JobCron, Name: "report", Index: 7, Stands: true})
	now := time.Now().UTC()
	for n, state := range []paas.RunState{paas.RunComplete, paas.RunFailed} {
		platform.PutRun(paas.Run{
			ID: []string{"first", "second"}[n], Team: "default", App: "shop", Job: "shop.cron.report/periodic-1", Kind: paas.JobCron, Name: "report",
			State: state, CreatedAt: now.Add(time.Duration(n) * time.Second),
		})
	}
	list, err = c.Crons(t.Context(), shop.App)
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := list.Items[0]
	if !got.Stands || got.Reason != "" || got.Last == nil || got.Last.ID != "second" || got.Last.Status != paas.RunFailed {
		t.Errorf("registered: %+v", got)
	}
	if got.NextAt == nil || got.NextAt.UTC().Hour() != 3 || got.NextAt.Before(now) {
		t.Errorf("it fires next at %v, want the next 3 o'clock", got.NextAt)
	}
}
