package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// variable is one assignment of a .env file.
type variable struct{ name, value string }

// parseEnv reads a .env file: its assignments in order, or every fault with its place.
//
//	# a comment
//	NAME=value to the end of the line    # this is a comment, as a space stands before it
//	export NAME = 'as it stands, over several lines too'
//	NAME="with \n \r \t \" \\ \$, over several lines too"
//
// Nothing is expanded. Faults quote nothing of the file: what is no name may be a part of a secret.
func parseEnv(file string, text []byte) ([]variable, []paas.Fault) {
	p := envFile{file: file, text: strings.TrimPrefix(string(text), "\uFEFF"), line: 1, first: map[string]int{}}
	if at := invalidUTF8(p.text); at >= 0 {
		p.skip(at)
		p.fault("This is not UTF-8. Give what is not text in base64.")
		return nil, p.faults
	}
	for p.at < len(p.text) {
		p.assignment()
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.found, nil
}

// envFile is the state of reading one.
type envFile struct {
	file   string
	text   string
	at     int // offset of what is read next
	line   int // of it, from 1
	begins int // offset of its line

	found  []variable
	first  map[string]int // line of each name
	faults []paas.Fault
}

// assignment reads a line, or the lines of a value in quotes.
func (p *envFile) assignment() {
	p.blank()
	if p.over() {
		p.nextLine()
		return
	}
	p.word("export")
	start := *p
	name := p.name()
	p.blank()
	switch {
	case name == "" || !p.is('='):
		start.fault("This is not NAME=VALUE, or the name holds what the name of an environment variable can't: letters, digits and _ are allowed, and no digit to begin with.")
		p.faults = start.faults
		p.nextLine()
		return
	case p.first[name] > 0:
		start.fault(fmt.Sprintf("%s is set a second time; the first time is in line %d.", name, p.first[name]))
		p.faults = start.faults
	default:
		p.first[name] = p.line
	}
	p.skip(1)
	p.blank()
	value, ok := p.value()
	if ok {
		p.found = append(p.found, variable{name, value})
	}
	p.nextLine()
}

func (p *envFile) value() (text string, ok bool) {
	switch {
	case p.is('\''):
		return p.quoted('\'')
	case p.is('"'):
		return p.quoted('"')
	}
	rest, _, _ := strings.Cut(p.text[p.at:], "\n")
	for i, r := range rest {
		if r == '#' && (i == 0 || rest[i-1] == ' ' || rest[i-1] == '\t') {
			rest = rest[:i]
			break
		}
	}
	if at := strings.IndexByte(rest, 0); at >= 0 {
		p.skip(at)
		p.fault("A NUL byte stands here, which no environment variable can hold.")
		return "", false
	}
	return strings.TrimRight(rest, " \t\r"), true
}

// quoted reads a value in quotes, and refuses what follows them but a comment.
func (p *envFile) quoted(quote byte) (string, bool) {
	open := *p
	p.skip(1)
	var b strings.Builder
	for ok := true; ; {
		switch {
		case p.at >= len(p.text):
			open.fault("This quote is not closed.")
			p.faults = open.faults
			return "", false
		case p.is(0):
			p.fault("A NUL byte stands here, which no environment variable can hold.")
			ok = false
		case p.is(quote):
			p.skip(1)
			p.blank()
			if !p.over() {
				p.fault("Nothing but a comment may follow the closing quote.")
				ok = false
			}
			return b.String(), ok
		case p.is('\\') && quote == '"':
			if !p.escape(&b) {
				ok = false
			}
			continue
		default:
			b.WriteByte(p.text[p.at])
		}
		p.skip(1)
	}
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '$': '$'}

func (p *envFile) escape(b *strings.Builder) bool {
	if p.at+1 < len(p.text) {
		if c, ok := escapes[p.text[p.at+1]]; ok {
			b.WriteByte(c)
			p.skip(2)
			return true
		}
	}
	p.fault(`A backslash in double quotes must be followed by n, r, t, ", $ or another backslash. In single quotes it stands for itself.`)
	p.skip(1)
	return false
}

// name reads the name of a variable.
func (p *envFile) name() string {
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9' || p.at == start) {
			break
		}
		p.skip(1)
	}
	return p.text[start:p.at]
}

// word skips a word that a space follows.
func (p *envFile) word(w string) {
	rest := strings.TrimPrefix(p.text[p.at:], w)
	if len(rest) < len(p.text)-p.at && (strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t")) {
		p.skip(len(w))
		p.blank()
	}
}

func (p *envFile) is(c byte) bool { return p.at < len(p.text) && p.text[p.at] == c }

// over says that nothing of the line is left but a comment.
func (p *envFile) over() bool {
	return p.at >= len(p.text) || p.is('\n') || p.is('#')
}

func (p *envFile) blank() {
	for p.is(' ') || p.is('\t') || p.is('\r') {
		p.skip(1)
	}
}

// skip moves on by n bytes, and counts lines.
func (p *envFile) skip(n int) {
	for range n {
		if p.text[p.at] == '\n' {
			p.line, p.begins = p.line+1, p.at+1
		}
		p.at++
	}
}

func (p *envFile) nextLine() {
	for p.at < len(p.text) && !p.is('\n') {
		p.skip(1)
	}
	if p.at < len(p.text) {
		p.skip(1)
	}
}

// fault notes one at the place that is read; columns count characters.
func (p *envFile) fault(message string) {
	column := utf8.RuneCountInString(p.text[p.begins:p.at]) + 1
	p.faults = append(p.faults, paas.Fault{Location: fmt.Sprintf("%s:%d:%d", p.file, p.line, column), Message: message})
}

// invalidUTF8 gives the offset of the first byte that is no text, or -1.
func invalidUTF8(text string) int {
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return i
		}
	}
	return -1
}

// envLine writes an assignment that parseEnv reads as what it was.
func envLine(name, value string) string {
	plain := value != "" && !strings.ContainsFunc(value, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && r != '/' && r != ':' && r != '@' && r != '=' && r != ',' && r != '+' &&
			(r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if plain {
		return name + "=" + value
	}
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value) + `"`
}
