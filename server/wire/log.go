package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
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
	b = append(b, `,"time":"`...)
	b = l.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","time_from":`...)
	b = appendString(b, string(l.TimeFrom))
	if l.Lost != 0 {
		b = append(b, `,"lost":`...)
		b = strconv.AppendInt(b, l.Lost, 10)
	}
	b = append(b, `,"text":`...)
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

// LogDecoder decodes lines that follow each other: most begin as the one before, and end as
// AppendLogLine ends them. Any other JSON of a LogLine is right as well.
type LogDecoder struct {
	begins []byte // all before the time of the last line
	line   paas.LogLine
}

var (
	timeKey = []byte(`"time":"`)
	fromKey = []byte(`","time_from":"`)
	textKey = []byte(`","text":"`)
)

// Decode decodes one line.
func (d *LogDecoder) Decode(data []byte) (paas.LogLine, error) {
	i := bytes.Index(data, timeKey)
	if i > 0 && bytes.Equal(data[:i], d.begins) {
		if line, ok := d.decodeRest(data[i+len(timeKey):]); ok {
			return line, nil
		}
	}
	var line paas.LogLine
	if err := json.Unmarshal(data, &line); err != nil {
		return line, err
	}
	if i > 0 {
		d.begins, d.line = append(d.begins[:0], data[:i]...), line
		d.line.Lost = 0
	}
	return line, nil
}

// decodeRest decodes TIME","time_from":"FROM","text":"TEXT"}.
func (d *LogDecoder) decodeRest(rest []byte) (line paas.LogLine, ok bool) {
	line = d.line
	stamp, rest, ok1 := bytes.Cut(rest, fromKey)
	from, text, ok2 := bytes.Cut(rest, textKey)
	if !ok1 || !ok2 || len(from) > 10 || len(text) < 2 || string(text[len(text)-2:]) != `"}` {
		return line, false
	}
	text = text[:len(text)-2]
	if bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, '"') >= 0 || !utf8.Valid(text) || bytes.IndexByte(from, '"') >= 0 {
		return line, false
	}
	if err := line.Time.UnmarshalText(stamp); err != nil {
		return line, false
	}
	if string(from) != string(line.TimeFrom) {
		line.TimeFrom = paas.LogTime(from)
	}
	line.Text = string(text)
	return line, true
}
