package wire_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func lines() []paas.LogLine {
	at := time.Date(2026, 11, 22, 14, 2, 11, 5e6, time.UTC)
	app := paas.LogLine{Source: paas.LogApp, Name: "web[0]", Instance: "i1", Process: "web", Release: 12, Stream: "stdout", Time: at, TimeFrom: paas.TimeLine, Text: "plain"}
	list := []paas.LogLine{app}
	for _, text := range []string{"", `"quoted"`, `back\slash`, "tab\tand\x00\x1f\x7f", "\u2028 \u00e9 \U0001f600", `","text":"x"}`, `{"time":"2026-11-22T14:02:11Z","text":"inner"}`, "<b>&amp;</b>", "plain again"} {
		app.Text, app.Time = text, app.Time.Add(time.Millisecond)
		list = append(list, app)
	}
	app.TimeFrom = paas.TimeArrival
	list = append(list, app)
	app.Lost = 7
	list = append(list, app)
	app.Lost = 0
	list = append(list, app)
	for _, text := range []string{"= begins as it", "  spaces ", "10 %\r20 %", "data: x", "", "the same", "the same"} {
		app.Text = text
		list = append(list, app)
	}
	other := app
	other.Stream, other.TimeFrom = "stderr", paas.TimeFile
	event := paas.LogLine{Source: paas.LogPlatform, Name: "platform", Time: at, TimeFrom: paas.TimeLine, Text: "web 0 is healthy"}
	return append(list, other, app, event, event, paas.LogLine{}, app)
}

func TestLinesAreJSONAsGoReadsIt(t *testing.T) {
	t.Parallel()
	for _, want := range lines() {
		text := wire.AppendLogLine(nil, &want)
		var got paas.LogLine
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		var ours, theirs map[string]any
		plain, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(text, &ours) != nil || json.Unmarshal(plain, &theirs) != nil || !cmp.Equal(ours, theirs) {
			t.Errorf("%s has other fields than %s", text, plain)
		}
	}
}

func TestLinesThatFollowEachOtherAreReadAsTheyWere(t *testing.T) {
	t.Parallel()
	for name, encode := range map[string]func(b []byte, l, before *paas.LogLine) []byte{
		"terse": wire.AppendTerse,
		"whole": func(b []byte, l, _ *paas.LogLine) []byte { return wire.AppendLogLine(b, l) },
		"go": func(_ []byte, l, _ *paas.LogLine) []byte {
			text, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			return text
		},
	} {
		var decoder wire.LogDecoder
		var before *paas.LogLine
		size := 0
		for n, want := range lines() {
			text := encode(nil, &want, before)
			size += len(text)
			before = &want
			got, err := decoder.Decode(string(text))
			if err != nil {
				t.Fatalf("%s, line %d: %s: %v", name, n, text, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, line %d: %s (-want +got):\n%s", name, n, text, diff)
			}
		}
		if name == "terse" && size > 2500 {
			t.Errorf("terse lines take %d bytes", size)
		}
	}
	var decoder wire.LogDecoder
	for _, text := range []string{"", "x", "[]", `{"time":"soon","text":"x"}`, `{"time":"2026-11-22T14:02:11Z","text":"x`} {
		if _, err := decoder.Decode(text); err == nil {
			t.Errorf("%s is a line", text)
		}
	}
}

func TestLineOfTextAloneTakesNoMemory(t *testing.T) { // not parallel: memory is counted for the whole process
	line := lines()[0]
	var decoder wire.LogDecoder
	if _, err := decoder.Decode(string(wire.AppendLogLine(nil, &line))); err != nil {
		t.Fatal(err)
	}
	text, buf := string(wire.AppendTerse(nil, &line, &line)), make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		buf = wire.AppendTerse(buf[:0], &line, &line)
		if _, err := decoder.Decode(text); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%q takes %v allocations", text, n)
	}
}

// FuzzTerse: whatever a text is, a line that differs from the one before in it alone is one line of
// server-sent events, and is read as what encoding/json makes of it.
func FuzzTerse(f *testing.F) {
	for _, l := range lines() {
		f.Add(l.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := paas.LogLine{Source: paas.LogApp, Name: "web[0]", Time: time.Unix(1e9, 0).UTC(), TimeFrom: paas.TimeArrival, Text: strings.ToValidUTF8(text, "?")}
		before := want
		before.Text = "before"
		terse := wire.AppendTerse(nil, &want, &before)
		if strings.ContainsAny(string(terse), "\r\n") {
			t.Errorf("%q is more than a line", terse)
		}
		var decoder wire.LogDecoder
		if _, err := decoder.Decode(string(wire.AppendLogLine(nil, &before))); err != nil {
			t.Fatal(err)
		}
		got, err := decoder.Decode(string(terse))
		if err != nil {
			t.Fatalf("%q: %v", terse, err)
		}
		plain, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var same paas.LogLine
		if err := json.Unmarshal(plain, &same); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(same, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", terse, diff)
		}
	})
}

func BenchmarkLogLine(b *testing.B) {
	line := paas.LogLine{Source: paas.LogApp, Name: "web[0]", Instance: "0f3c1a2b-4c5d-6e7f-8091-a2b3c4d5e6f7", Process: "web", Release: 12, Stream: "stdout", Time: time.Now().UTC(), TimeFrom: paas.TimeArrival, Text: fmt.Sprintf("%090d", 1)}
	var decoder wire.LogDecoder
	if _, err := decoder.Decode(string(wire.AppendLogLine(nil, &line))); err != nil {
		b.Fatal(err)
	}
	text := string(wire.AppendTerse(nil, &line, &line))
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(line.Text)))
		var buf []byte
		for b.Loop() {
			buf = wire.AppendTerse(buf[:0], &line, &line)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(line.Text)))
		for b.Loop() {
			if _, err := decoder.Decode(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
