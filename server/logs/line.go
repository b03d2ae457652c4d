package logs

import (
	"bytes"
	"strings"
)

const maxLine = 16 << 10 // bytes

// splitter cuts a stream of bytes into lines.
type splitter struct {
	rest []byte // of a line whose end has not come yet
	put  func(text string)
}

// Write never fails.
func (s *splitter) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	for {
		end := bytes.IndexByte(s.rest, '\n')
		switch {
		case end >= 0 && end <= maxLine:
			s.put(text(s.rest[:end]))
			s.rest = s.rest[end+1:]
		case len(s.rest) > maxLine:
			s.put(text(s.rest[:maxLine]))
			s.rest = s.rest[maxLine:]
		default:
			s.rest = append([]byte(nil), s.rest...) // let go of what was read
			return len(p), nil
		}
	}
}

// flush gives what is left when the stream has ended.
func (s *splitter) flush() {
	if len(s.rest) > 0 {
		s.put(text(s.rest))
		s.rest = nil
	}
}

// text takes the carriage return off a line, and whatever is no text out of it.
func text(b []byte) string {
	return strings.ToValidUTF8(strings.TrimSuffix(string(b), "\r"), "\uFFFD")
}

// last keeps the last n texts it is given.
type last struct {
	n    int
	kept []string
}

func (l *last) put(s string) {
	if l.n <= 0 {
		return
	}
	if len(l.kept) >= l.n {
		l.kept = l.kept[1:]
	}
	l.kept = append(l.kept, s)
}

// Bytes read before the end of a file to find its last lines.
const (
	bytesPerLine = 512
	leastTail    = 8 << 10
	mostTail     = 4 << 20
)

// tailOf gives how many bytes should hold the last n lines.
func tailOf(n int) int64 {
	if n <= 0 {
		return 0
	}
	return min(max(int64(n)*bytesPerLine, leastTail), mostTail)
}
