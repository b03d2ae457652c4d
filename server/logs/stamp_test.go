package logs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestALineBeginsWithItsTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	at := time.Date(2025, 12, 31, 23, 59, 58, 123e6, time.UTC)
	second := at.Truncate(time.Second)
	for line, want := range map[string]time.Time{
		"2025-12-31T23:59:58.123Z listening":                                at,
		"2025-12-31T23:59:58.123456789Z x":                                  at.Add(456789),
		"2026-01-01T00:59:58.123+01:00 x":                                   at,
		"2025-12-31T18:59:58.123-0500 x":                                    at,
		"2025-12-31 23:59:58,123 INFO x":                                    at,
		"2025-12-31 23:59:58":                                               second,
		"[2025-12-31T23:59:58.123Z] x":                                      at,
		"2025/12/31 23:59:58 listening":                                     second,
		"2025/12/31 23:59:58.123000 main.go:3: x":                           at,
		"I1231 23:59:58.123000       1 main.go:12] x":                       at,
		"time=2025-12-31T23:59:58.123Z level=INFO":                          at,
		`time="2025-12-31T23:59:58Z" level=info`:                            second,
		"ts=2025-12-31T23:59:58.123Z caller=x":                              at,
		`{"time":"2025-12-31T23:59:58.123Z","msg":"x"}`:                     at,
		`{"level":"info", "ts": 1767225598.123,"msg":"x"}`:                  at,
		`{"@timestamp":"2025-12-31T23:59:58.123Z"}`:                         at,
		`{"timestamp":1767225598123}`:                                       at,
		`{"t":1767225598123000}`:                                            at,
		`{"ts":1767225598123000000,"msg":"x"}`:                              at,
		`{"ts":1767225598}`:                                                 second,
		`127.0.0.1 - - [31/Dec/2025:23:59:58 +0000] "GET / HTTP/1.1" 200 2`: second,
	} {
		got, ok := logs.StampOf(line, now)
		if !ok || !got.Equal(want) {
			t.Errorf("%s: %v, %t, want %v", line, got, ok, want)
		}
	}
	for _, line := range []string{
		"", "x", "listening on 8080", "2025", "2025-13-31T23:59:58Z", "2025-12-31T25:59:58Z", "2025-12-31", "{}", `{"time":"soon","x":"yyyyyyyyyyy"}`,
		"E something went wrong", "I1331 23:59:58.123000 x", "took 2025-12-31T23:59:58Z", "10.0.0.1 [none of this is a time at all]", "time=later than this",
		`{"ts":"` + strings.Repeat("x", 10_000), strings.Repeat("9", 10_000),
	} {
		if got, ok := logs.StampOf(line, now); ok {
			t.Errorf("%.50s: %v", line, got)
		}
	}
}

func TestATimeThatCannotBeIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.write("a0", "stdout", "1999-01-01T00:00:00Z before its instance\n"+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+" in an hour\n")
	for _, l := range read(t, newLogs(c), paas.LogQuery{Lines: 9}).lines {
		if l.TimeFrom != paas.TimeFile {
			t.Errorf("%+v", l)
		}
	}
}

func FuzzStampOf(f *testing.F) {
	f.Add("2025-12-31T23:59:58.123Z x")
	f.Add(`{"ts":1767225598.1,"t":`)
	f.Add("I1231 23:59:58.")
	f.Add("10.0.0.1 [31/Dec/2025:23:59:58 +0000]")
	f.Fuzz(func(t *testing.T, line string) {
		if at, ok := logs.StampOf(line, moment); ok && at.IsZero() {
			t.Errorf("%q has the zero time", line)
		}
	})
}

func TestTokensAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1~0~0", "1~17~1763819000000~0f3c1a2b4c5d;web=3.1234,0.0~1f3c1a2b4c5d;proxy=0.1;web=-,7.8~2f3c1a2b4c5d!~3f3c1a2b4c5d!",
	} {
		if got, err := logs.RoundTrip(text); got != text || err != nil {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "2~0~0", "1~0", "1~a~0", "1~0~b", "1~-1~0", "1~0~0~id", "1~0~0~id;web", "1~0~0~id;web=1", "1~0~0~id;web=1.x", "1~0~0~id;web=-1.0", "1~0~0~;web=1.0", "1~0~0~id;=1.0"} {
		if _, err := logs.RoundTrip(text); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
}
