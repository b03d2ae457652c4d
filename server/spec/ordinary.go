package spec

import (
	"bytes"
	"slices"
)

// ordinary says that a source is certainly within these bounds, so that tooMuch need not count its tokens,
// which takes as long as parsing does. It follows brackets, quotes and comments only and never counts too
// low. It is not sure of a source with what could hide them (heredocs, block comments, a bracket too many),
// nor of a long one.
func ordinary(src []byte, deepest, steps int) bool {
	const longestSource, longestLine = 100_000, 1000 // no text of one line is joined more often than mostJoined allows
	if len(src) > longestSource || slices.ContainsFunc(hiding, func(s string) bool { return bytes.Contains(src, []byte(s)) }) {
		return false
	}
	open := []bracket{{lines: true}}
	nested, line := 0, 0 // signs and choices, all of which might nest; where the line begins
	for i := 0; i < len(src); i++ {
		top, rest := &open[len(open)-1], src[i+1:]
		c := src[i]
		switch {
		case c == ' ' || c != 'f' && letter(c): // most are
		case c == '\n':
			if top.end == '"' || i-line > longestLine {
				return false
			}
			line = i
			if top.lines {
				top.steps = 0
			}
		case top.end == '"' && c == '\\':
			if len(rest) == 0 || rest[0] != '"' && rest[0] != '\\' && !letter(rest[0]) {
				return false
			}
			i++
		case top.end == '"' && c == '$' && bytes.HasPrefix(rest, []byte("${")): // a literal ${
			i += 2
		case top.end == '"' && c == '$' && bytes.HasPrefix(rest, []byte("{")):
			open = append(open, bracket{end: '}'})
			i++
		case c == top.end:
			open = open[:len(open)-1]
		case top.end == '"':
		case c == '#' || c == '/' && bytes.HasPrefix(rest, []byte("/")):
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				return len(src)-line <= longestLine
			}
			i += end // the line's end comes next
		case c == '}' || c == ']' || c == ')':
			return false
		case c == 'f' && bytes.HasPrefix(rest, []byte("or")) && (len(rest) == 2 || !letter(rest[2])):
			return false // a loop, in whose braces a new line begins no other value
		case c == '"' || c == '{':
			open = append(open, bracket{end: closer[c], lines: c == '{'})
		case c == '(' || c == '[':
			top.steps++
			open = append(open, bracket{end: closer[c]})
		case c == '-' || c == '!' || c == '?':
			nested++
			top.steps++
		case bytes.IndexByte([]byte(".*/+%=<>&|"), c) >= 0:
			top.steps++
		}
		if len(open)-1 > deepest || nested > deepest || top.steps > steps {
			return false
		}
	}
	return len(src)-line <= longestLine
}

// bracket is an opened brace, bracket or quote with the value at hand in it.
type bracket struct {
	end   byte
	lines bool // a new line begins another value
	steps int
}

var (
	hiding = []string{"<<", "/*", "%{", "$$$"}
	closer = map[byte]byte{'"': '"', '{': '}', '(': ')', '[': ']'}
)

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
