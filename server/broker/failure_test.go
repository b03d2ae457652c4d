package broker_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// What a broker echoes of our own credentials is not passed on, and what it says is one bounded line.
func TestADescriptionIsCleaned(t *testing.T) {
	t.Parallel()
	b := brokertest.New()
	c := connect(t, b)
	say := func(description string) string {
		t.Helper()
		text, err := json.Marshal(map[string]string{"description": description, "error": description})
		if err != nil {
			t.Fatal(err)
		}
		b.On(brokertest.Provision, brokertest.JSON(400, string(text)))
		_, err = c.Provision(t.Context(), provision)
		return err.Error()
	}
	say("nothing")
	basic := strings.TrimPrefix(b.Last().Header.Get("Authorization"), "Basic ")
	for _, echo := range []string{password, basic, "Authorization: Basic " + basic} {
		if got := say("you said " + echo + "!"); strings.Contains(got, password) || strings.Contains(got, basic) || !strings.Contains(got, "[redacted]") {
			t.Errorf("error: %s", got)
		}
	}
	if got := say("two\nlines\x1b[31m and \u202e more. "); !strings.Contains(got, "It says: two lines [31m and more.: ") {
		t.Errorf("error: %q", got)
	}
	if got := say(strings.Repeat("ü", 100_000)); len(got) > 1000 || !strings.Contains(got, "üü...") {
		t.Errorf("error of %d bytes: %.200q", len(got), got)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "-5": 0, "soon": 0, "": 0, "99999999999999999999": 0,
		"Mon, 23 Nov 2026 05:00:30 GMT": 30 * time.Second, "Mon, 23 Nov 2026 04:00:00 GMT": 0,
	} {
		b := brokertest.New()
		b.On(brokertest.PollInstance, brokertest.With("Retry-After", text, brokertest.JSON(200, `{"state":"in progress"}`)))
		b.On(brokertest.Unbind, brokertest.With("Retry-After", text, brokertest.JSON(503, `{}`)))
		c := connect(t, b, func(cfg *broker.Config) { cfg.Now = func() time.Time { return now } })
		polled, err := c.LastOperation(t.Context(), provision.Poll("x"))
		if err != nil || polled.Outcome.RetryAfter != want {
			t.Errorf("%q: %s, %v, want %s", text, polled.Outcome.RetryAfter, err, want)
		}
		if _, err := c.Unbind(t.Context(), unbind); end(err).RetryAfter != want {
			t.Errorf("%q of a 503: %s, want %s", text, end(err).RetryAfter, want)
		}
	}
}

// The whole table of statuses, for each request: code, and whether something must be looked after.
func TestEachStatusHasACodeAndANextStep(t *testing.T) {
	t.Parallel()
	codes := map[int]paas.Code{
		203: paas.Unavailable, 226: paas.Unavailable, 301: paas.Unavailable, 400: paas.Invalid, 401: paas.Unavailable, 403: paas.Unavailable,
		404: paas.NotFound, 408: paas.Unavailable, 409: paas.Conflict, 410: paas.Unavailable, 412: paas.Unavailable, 418: paas.Unavailable,
		422: paas.Invalid, 429: paas.Unavailable, 500: paas.Unavailable, 501: paas.Unavailable, 503: paas.Unavailable,
	}
	for _, e := range every {
		b := brokertest.New()
		c := connect(t, b)
		for status, code := range codes {
			b.On(e.kind, brokertest.JSON(status, `{"description":"because of reasons"}`))
			err := e.call(t.Context(), c)
			if status == 410 && (e.op == paas.OpDeprovision || e.op == paas.OpUnbind) {
				if err != nil {
					t.Errorf("%s: gone is %v, want success", e.op, err)
				}
				continue
			}
			if got := paas.CodeOf(err); got != code || end(err).Status != status {
				t.Errorf("%s with %d: error %v of code %s, want %s", e.op, status, err, got, code)
			}
			if s := paas.MessageOf(err); !strings.HasSuffix(s, ". It says: because of reasons.") || strings.Count(s, ". ") < 2 {
				t.Errorf("%s with %d has no next step or not the broker's reason: %s", e.op, status, s)
			}
		}
		for word, code := range map[string]paas.Code{
			paas.ErrorAsyncRequired: paas.Unavailable, paas.ErrorConcurrency: paas.Conflict, paas.ErrorRequiresApp: paas.Invalid,
			paas.ErrorMaintenanceInfo: paas.Conflict, "SomethingElse": paas.Invalid,
		} {
			b.On(e.kind, brokertest.JSON(422, fmt.Sprintf(`{"error":%q}`, word)))
			if err := e.call(t.Context(), c); paas.CodeOf(err) != code || end(err).Error != word {
				t.Errorf("%s with 422 %s: %v of code %s, want %s", e.op, word, err, paas.CodeOf(err), code)
			}
		}
	}
}
