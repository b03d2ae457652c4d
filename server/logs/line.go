package logs

import (
	"strings"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const maxLine = 16 << 10 // bytes

// splitter cuts the bytes of a stream into lines, and knows the place after each of them. A line
// longer than maxLine comes in pieces of that size, the same ones wherever reading began.
type splitter struct {
	put func(text string, after paas.LogPlace)

	rest []byte        // of a line whose end has not come yet; at most maxLine
	end  paas.LogPlace // of what was written last
}

// write takes the bytes that begin at a place, all of one file.
func (s *splitter) write(at paas.LogPlace, data []byte) {
	before := s.end
	s.end = paas.LogPlace{File: at.File, Offset: at.Offset + int64(len(data))}
	text := string(data) // lines are parts of it
	for len(text) > 0 {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			s.rest = append(s.rest, text...)
			s.cut(s.end, before)
			return
		}
		at.Offset += int64(i) + 1
		line := text[:i]
		text = text[i+1:]
		if len(s.rest) > 0 || len(line) > maxLine {
			s.rest = append(s.rest, line...)
			s.cut(paas.LogPlace{File: at.File, Offset: at.Offset - 1}, before)
			line = string(s.rest) // never empty: a piece is only cut off when something follows
			s.rest = s.rest[:0]
		}
		s.put(clean(strings.TrimSuffix(line, "\r")), at)
	}
}

// cut gives pieces while there is more than a line may hold. The bytes in rest end at end, and may
// begin in the file that ended at before.
func (s *splitter) cut(end, before paas.LogPlace) {
	for len(s.rest) > maxLine {
		n := maxLine
		for n > maxLine-utf8.UTFMax && !utf8.RuneStart(s.rest[n]) {
			n--
		}
		after := paas.LogPlace{File: end.File, Offset: end.Offset - int64(len(s.rest)-n)}
		if after.Offset < 0 {
			after = paas.LogPlace{File: before.File, Offset: before.Offset + after.Offset}
		}
		s.put(clean(string(s.rest[:n])), after)
		s.rest = append(s.rest[:0], s.rest[n:]...)
	}
}

// flush gives what is left when the stream has ended, or goes on elsewhere.
func (s *splitter) flush() {
	if len(s.rest) > 0 {
		s.put(clean(strings.TrimSuffix(string(s.rest), "\r")), s.end)
		s.rest = s.rest[:0]
	}
}

// clean takes whatever is no text out of a line.
func clean(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	return strings.ToValidUTF8(line, "\uFFFD")
}
