package wire

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// AppendLogLine appends a line as encoding/json writes it, but for HTML's characters: by hand, as there
// may be a million of them a second. The text must be valid UTF-8.
func AppendLogLine(b []byte, l *paas.LogLine) []byte {
	b = append(b, `{"source":`...)
	b = appendString(b, string(l.Source))
	b = append(b, `,"name":`...)
	b = appendString(b, l.Name)
	b = appendNonEmpty(b, `,"instance":`, l.Instance)
	b = appendNonEmpty(b, `,"process":`, l.Process)
	if l.Release != 0 {
		b = append(b, `,"release":`...)
		b = strconv.AppendInt(b, int64(l.Release), 10)
	}
	b = appendNonEmpty(b, `,"stream":`, l.Stream)
	b = append(b, ',')
	return appendRest(b, l, true, true)
}

// plain begins a terse line of which only the text differs from the line before. No JSON begins with it.
const plain = '='

// AppendTerse appends a line that follows another one: without what stands before its text where it is the
// same, and as nothing but its text behind a "=" where all is. A text with a carriage return, which would
// end a line of server-sent events, stays JSON.
func AppendTerse(b []byte, l, before *paas.LogLine) []byte {
	if before == nil || l.Source != before.Source || l.Name != before.Name || l.Instance != before.Instance ||
		l.Process != before.Process || l.Release != before.Release || l.Stream != before.Stream {
		return AppendLogLine(b, l)
	}
	at, from := !l.Time.Equal(before.Time), l.TimeFrom != before.TimeFrom
	if !at && !from && l.Lost == 0 && strings.IndexByte(l.Text, '\r') < 0 && strings.IndexByte(l.Text, '\n') < 0 {
		return append(append(b, plain), l.Text...)
	}
	return appendRest(append(b, '{'), l, at, from)
}

// appendRest appends a line from its time on.
func appendRest(b []byte, l *paas.LogLine, at, from bool) []byte {
	if at {
		b = append(b, `"time":"`...)
		b = append(l.Time.AppendFormat(b, time.RFC3339Nano), `",`...)
	}
	if from {
		b = append(appendString(append(b, `"time_from":`...), string(l.TimeFrom)), ',')
	}
	if l.Lost != 0 {
		b = append(b, `"lost":`...)
		b = append(strconv.AppendInt(b, l.Lost, 10), ',')
	}
	b = append(b, `"text":`...)
	b = appendString(b, l.Text)
	return append(b, '}')
}

func appendNonEmpty(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, key...), value)
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	begin := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[begin:i]...)
		begin = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[begin:]...)
	return append(b, '"')
}

// LogDecoder decodes lines that follow each other, terse or whole. Most are as AppendTerse writes them,
// but any JSON of a LogLine is right as well.
type LogDecoder struct{ before paas.LogLine }

const (
	timeKey = `{"time":"`
	textKey = `","text":"`
	wholes  = `{"source":`
)

// Decode decodes one line, whose text may be a part of data.
func (d *LogDecoder) Decode(data string) (paas.LogLine, error) {
	if data != "" && data[0] == plain {
		line := d.before
		line.Text = data[1:]
		return line, nil
	}
	line := new(paas.LogLine)
	if !strings.HasPrefix(data, wholes) {
		*line = d.before
		line.Lost = 0
	}
	if !decodeRest(line, data) {
		if err := json.Unmarshal([]byte(data), line); err != nil {
			return *line, err
		}
	}
	d.before = *line
	d.before.Lost = 0
	return *line, nil
}

// decodeRest decodes {"time":"TIME","text":"TEXT"}, of a text without escapes.
func decodeRest(line *paas.LogLine, data string) bool {
	rest, timed := strings.CutPrefix(data, timeKey)
	stamp, text, ok := strings.Cut(rest, textKey)
	if !timed || !ok || len(text) < 2 || text[len(text)-2:] != `"}` {
		return false
	}
	text = text[:len(text)-2]
	if strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '"') >= 0 || !utf8.ValidString(text) {
		return false
	}
	if line.Time.UnmarshalText([]byte(stamp)) != nil {
		return false
	}
	line.Text = text
	return true
}
