package audit

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	maxWord   = 200  // bytes of a name
	maxDetail = 600  // bytes of a sentence
	maxState  = 4096 // bytes of what was before or after
)

// presentable takes out of a line what a terminal or a log would act on, and cuts what is too long: much of it
// was written by the caller.
func presentable(line paas.Audited) paas.Audited {
	for _, word := range []*string{&line.By, &line.Via, &line.From, &line.Action, &line.Team, &line.App, &line.Target, &line.Request} {
		*word = cut(printable(*word), maxWord)
	}
	line.Detail = cut(printable(line.Detail), maxDetail)
	line.Before, line.After = state(line.Before), state(line.After)
	return line
}

// printable replaces control characters, and those that turn the direction of text around.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// state lets JSON through that is short and has nothing in it that a terminal acts on.
func state(text json.RawMessage) json.RawMessage {
	switch {
	case len(text) == 0:
		return nil
	case len(text) > maxState || !json.Valid(text):
		return json.RawMessage(`"too long to be kept"`)
	}
	return json.RawMessage(printable(string(text)))
}
