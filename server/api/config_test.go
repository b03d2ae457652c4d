package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func TestAConfigurationIsAsDocumented(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	c := caller{server.URL, document(t, server.URL)}
	const config = "/v1/apps/{app}/config"

	c.call(t, "GET", config, "/v1/apps/shop/config", "", 200)
	text := c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"set":[{"name":"A","value":"1"}]}`, 200)
	if got := decode[wire.ChangedConfig](t, text); got.Version != 1 || !got.Made || got.Use != paas.ConfigFirstPush || got.Deployed != nil {
		t.Errorf("before the first push: %+v", got)
	}
	c.call(t, "POST", "/v1/apps/{app}/releases", "/v1/apps/shop/releases", releaseBody(t, shopSpec, nil), 202)
	text = c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"set":[{"name":"K","value":"s","kind":"secret"}],"note":"why"}`, 202)
	if got := decode[wire.ChangedConfig](t, text); got.Deployed == nil || got.Deployed.Deployment == nil || got.Deployed.Release.Config != 2 || got.Deployed.Release.Note != "why" {
		t.Errorf("deployed: %s", text)
	}
	c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"unset":["A"],"stage":true,"base":2}`, 200)
	text = c.call(t, "GET", config, "/v1/apps/shop/config", "", 200)
	if got := decode[wire.Config](t, text); got.Version != 3 || got.Serving != 2 || len(got.Items) != 1 || got.Items[0].Name != "K" || !got.Items[0].Secret {
		t.Errorf("listed: %s", text)
	}
	// The first release pins version 1; a platform that has let it go offers no way back there.
	releases := decode[wire.Releases](t, c.call(t, "GET", "/v1/apps/{app}/releases", "/v1/apps/shop/releases", "", 200))
	for _, r := range releases.Items {
		if r.ConfigGone {
			t.Errorf("release %d: its configuration is said to be gone", r.Number)
		}
	}
	platform.ForgetConfig("shop", 2)
	releases = decode[wire.Releases](t, c.call(t, "GET", "/v1/apps/{app}/releases", "/v1/apps/shop/releases", "", 200))
	for _, r := range releases.Items {
		if r.ConfigGone != (r.Config == 2) {
			t.Errorf("release %d with version %d: gone %t", r.Number, r.Config, r.ConfigGone)
		}
	}
	if len(releases.Items) != 2 {
		t.Errorf("%d releases", len(releases.Items))
	}
}

func TestVersionsAreListedAndShown(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	c := caller{server.URL, document(t, server.URL)}
	const config = "/v1/apps/{app}/config"
	c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"set":[{"name":"A","value":"1"}]}`, 200)
	c.call(t, "POST", "/v1/apps/{app}/releases", "/v1/apps/shop/releases", releaseBody(t, shopSpec, nil), 202)
	c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"set":[{"name":"K","value":"s","kind":"secret"}]}`, 202)
	c.call(t, "PATCH", config, "/v1/apps/shop/config", `{"unset":["A"],"stage":true,"base":2}`, 200)
	text := c.call(t, "GET", config+"/versions", "/v1/apps/shop/config/versions", "", 200)
	if got := decode[wire.ConfigVersions](t, text); len(got.Items) != 3 || got.Items[0].Version != 3 || got.Serving != 2 || got.Items[0].CreatedBy != "tester" {
		t.Errorf("versions: %s", text)
	}
	text = c.call(t, "POST", config+"/reveal", "/v1/apps/shop/config/reveal", `{"version":2,"names":["A"]}`, 200)
	if got := decode[wire.RevealedConfig](t, text); got.Version != 2 || len(got.Items) != 1 || got.Items[0].Value != "1" {
		t.Errorf("revealed: %s", text)
	}
	for _, body := range []string{`{"unset":["GHOST"]}`, `{"set":[{"name":"A","value":"1","kind":"odd"}]}`, `{"set":[{"name":"A"}]}`, `{"base":-1}`} {
		if answer, text := apitest.Call(t, "PATCH", server.URL+"/v1/apps/shop/config", strings.NewReader(body)); answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, answer.StatusCode, text)
		}
	}
	if answer, _ := apitest.Call(t, "PATCH", server.URL+"/v1/apps/shop/config", strings.NewReader(`{"base":1}`)); answer.StatusCode != http.StatusConflict {
		t.Errorf("a base that moved: %d", answer.StatusCode)
	}
}

// TestValuesOfARequestAreInNoAnswerAndNoLog sends a value in bodies that are refused at every stage.
func TestValuesOfARequestAreInNoAnswerAndNoLog(t *testing.T) {
	t.Parallel()
	const value = "Zq7-unlikely-value"
	var log locked
	config := apitest.Config(t, apitest.NewPlatform())
	config.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := apitest.Start(t, config)
	for name, body := range map[string]string{
		"is taken":            `{"set":[{"name":"A","value":"` + value + `"}]}`,
		"has a bad name":      `{"set":[{"name":"a/b","value":"` + value + `"}]}`,
		"breaks off":          `{"set":[{"name":"A","value":"` + value,
		"is no JSON":          `A=` + value,
		"is bare":             `{"set":` + value + `}`,
		"has an object there": `{"set":[{"name":"A","value":{"x":"` + value + `"}}]}`,
		"has a text there":    `{"set":"` + value + `"}`,
		"has a kind of it":    `{"set":[{"name":"A","value":"x","kind":"` + value + `"}]}`,
		"has one key more":    `{"set":[{"name":"A","value":"` + value + `","more":"` + value + `"}]}`,
		"has a number there":  `{"base":"` + value + `"}`,
	} {
		_, text := apitest.Call(t, "PATCH", server.URL+"/v1/apps/shop/config", strings.NewReader(body))
		if strings.Contains(string(text), value) {
			t.Errorf("a body that %s comes back: %s", name, text)
		}
	}
	if text := log.String(); strings.Contains(text, value) || !strings.Contains(text, "request answered") {
		t.Errorf("the log holds it, or nothing:\n%s", text)
	}
}

// TestABodyThatIsTooLargeIsAnsweredNotCutOff reads the answer through the client, which has the whole body to
// send first.
func TestABodyThatIsTooLargeIsAnsweredNotCutOff(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	c, err := client.New(client.Config{Addr: server.URL, Token: apitest.Token})
	if err != nil {
		t.Fatal(err)
	}
	set := func(size int) error {
		_, err := c.ChangeConfig(t.Context(), "shop", wire.ChangeConfig{Set: []wire.ConfigValue{{Name: "A", Value: wire.Value(strings.Repeat("v", size))}}})
		return err
	}
	if err := set(2 << 20); err != nil {
		t.Errorf("2 MiB reach what knows how large a value may be: %v", err)
	}
	if err := set(20 << 20); paas.CodeOf(err) != paas.Quota || !strings.Contains(paas.MessageOf(err), "larger than the server takes") {
		t.Errorf("20 MiB: %v", err)
	}
}

// locked is a buffer that several goroutines write to.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
