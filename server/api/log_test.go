package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// logged is a server whose app shop has written three lines.
func logged(t *testing.T) string {
	t.Helper()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	at := time.Date(2026, 11, 22, 14, 2, 11, 0, time.UTC)
	platform.SetLines(
		paas.LogLine{Source: paas.LogApp, Name: "web[0]", Instance: "i1", Process: "web", Release: 2, Stream: "stdout", Time: at, TimeFrom: paas.TimeLine, Text: "one"},
		paas.LogLine{Source: paas.LogApp, Name: "worker[0]", Instance: "i2", Process: "worker", Release: 3, Stream: "stderr", Time: at.Add(time.Second), TimeFrom: paas.TimeLine, Text: "two"},
		paas.LogLine{Source: paas.LogPlatform, Name: "platform", Time: at.Add(2 * time.Second), TimeFrom: paas.TimeLine, Text: "three"},
	)
	return server.URL + "/v1/apps/shop/logs"
}

func TestLogsAreNarrowedAndResumed(t *testing.T) {
	t.Parallel()
	url := logged(t)
	for _, tt := range []struct {
		query, want string
	}{
		{"", "one two three"},
		{"?process=worker", "two"},
		{"?instance=i1", "one"},
		{"?release=3", "two"},
		{"?source=platform", "three"},
		{"?source=app,build", "one two"},
		{"?grep=t", "two three"},
		{"?since=2026-11-22T14:02:12Z", "two three"},
		{"?since=1000000h", "one two three"},
		{"?until=2026-11-22T14:02:12Z", "one two"},
		{"?since=2026-11-22T14:02:12Z&until=2026-11-22T14:02:12Z", "two"},
		{"?around=2026-11-22T14:03:12Z", "two three"},
		{"?around=2026-11-22T14:04:00Z", ""},
		{"?after=1", "two three"},
		{"?after=1&terse=true", "two three"},
		{"?after=3", ""},
	} {
		answer, text := apitest.Call(t, "GET", url+tt.query, nil)
		var got []string
		for _, word := range []string{"one", "two", "three"} {
			if strings.Contains(string(text), `"text":"`+word+`"`) {
				got = append(got, word)
			}
		}
		if answer.StatusCode != http.StatusOK || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %s %q, want %q:\n%s", tt.query, answer.Status, got, tt.want, text)
		}
	}
	r := listen(t, url, "2")
	r.until("id: 3")
	r.until("event: end")
	for _, query := range []string{"lines=-1", "lines=x", "lines=10001", "release=0", "release=x", "since=soon", "until=soon", "around=soon", "around=1m&since=1m", "follow=true&until=1m", "source=nobody", "follow=perhaps"} {
		answer, text := apitest.Call(t, "GET", url+"?"+query, nil)
		name, _, _ := strings.Cut(query, "=")
		if answer.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(text), `"query.`+name+`"`) {
			t.Errorf("%s: %s %s", query, answer.Status, text)
		}
	}
	if answer, text := apitest.Call(t, "GET", url+"?after=99", nil); answer.StatusCode != http.StatusOK || !strings.Contains(string(text), "event: problem\ndata: {") {
		t.Errorf("a place that is none: %s %s", answer.Status, text)
	}
}
