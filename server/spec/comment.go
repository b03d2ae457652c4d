package spec

import (
	"bytes"
	"unicode/utf8"
)

// uncommented gives a source with its # and // comments blanked out, so that everything else stands where
// it stood. The library makes a token of each comment, counts its characters for the columns of what
// follows, and throws it away: a quarter of the time that a well explained spec takes. A source without
// comments is given as it is, and so is one that is not UTF-8, which the library complains of. The
// grammar is that of hclsyntax, scan_tokens.rl.
func uncommented(src []byte) []byte {
	if !utf8.Valid(src) {
		return src
	}
	c := comments{src: src, within: []nest{{}}}
	for c.at < len(src) {
		switch c.top().kind {
		case inQuotes:
			c.quoted()
		case inHeredoc:
			c.heredoc()
		case inExpression:
			c.expression()
		}
	}
	if c.blanked == nil {
		return src
	}
	return c.blanked
}

// comments walks over a source, telling a comment from a text that looks like one.
type comments struct {
	src, blanked []byte // blanked is nil before the first comment
	at           int
	within       []nest // from the body of the file to what we are in
}

// nest is the body of the file, a text, or an expression within one.
type nest struct {
	kind   nestKind
	braces int    // of an expression: those that are open, with its own
	marker []byte // of a heredoc
	inLine bool   // of a heredoc: some of the line was read already, so that no marker can stand on it
}

type nestKind int

const (
	inExpression nestKind = iota
	inQuotes
	inHeredoc
)

func (c *comments) top() *nest              { return &c.within[len(c.within)-1] }
func (c *comments) push(n nest)             { c.within = append(c.within, n) }
func (c *comments) pop()                    { c.within = c.within[:len(c.within)-1] }
func (c *comments) next(prefix string) bool { return bytes.HasPrefix(c.src[c.at:], []byte(prefix)) }

// expression goes on to the next text, or to the end of the expression.
func (c *comments) expression() {
	for top := c.top(); c.at < len(c.src); c.at++ {
		switch c.src[c.at] {
		case '#':
			c.blank()
		case '/':
			c.slash()
		case '"':
			c.push(nest{kind: inQuotes})
			c.at++
			return
		case '<':
			if marker := c.opening(); marker != nil {
				c.push(nest{kind: inHeredoc, marker: marker})
				c.at += bytes.IndexByte(c.src[c.at:], '\n') + 1
				return
			}
		case '{':
			top.braces++
		case '}':
			if len(c.within) > 1 && top.braces == 1 {
				c.pop()
				c.at++
				return
			}
			top.braces--
		}
	}
}

func (c *comments) slash() {
	switch {
	case c.next("//"):
		c.blank()
	case c.next("/*"):
		if end := bytes.Index(c.src[c.at+2:], []byte("*/")); end >= 0 {
			c.at += 2 + end + 1 // at its last byte
		}
	}
}

// blank writes spaces over the rest of the line, and stays at the last of them.
func (c *comments) blank() {
	if c.blanked == nil {
		c.blanked = bytes.Clone(c.src)
	}
	end := bytes.IndexByte(c.src[c.at:], '\n')
	if end < 0 {
		end = len(c.src) - c.at
	}
	for i := range end {
		c.blanked[c.at+i] = ' '
	}
	c.at += end - 1
}

// opening gives the marker of the heredoc that begins here, nil if none does.
func (c *comments) opening() []byte {
	rest, ok := bytes.CutPrefix(c.src[c.at:], []byte("<<"))
	if !ok {
		return nil
	}
	rest, _ = bytes.CutPrefix(rest, []byte("-"))
	end := bytes.IndexByte(rest, '\n')
	if end <= 0 {
		return nil
	}
	for i, b := range rest[:end] {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= utf8.RuneSelf
		if !letter && (i == 0 || b != '-' && (b < '0' || b > '9')) {
			return nil
		}
	}
	return rest[:end]
}

// quoted goes on to the end of a text between quotes, or to an expression in it.
func (c *comments) quoted() {
	for c.at < len(c.src) {
		switch c.src[c.at] {
		case '\\':
			c.at = min(c.at+2, len(c.src))
		case '"':
			c.pop()
			c.at++
			return
		default:
			if c.template() {
				return
			}
		}
	}
}

// heredoc goes on to the marker that ends the text, or to an expression in it.
func (c *comments) heredoc() {
	for top := c.top(); c.at < len(c.src); {
		if !top.inLine {
			end := bytes.IndexByte(c.src[c.at:], '\n')
			if end >= 0 && bytes.Equal(bytes.TrimSpace(c.src[c.at:c.at+end]), top.marker) {
				c.pop()
				c.at += end
				return
			}
		}
		top.inLine = c.src[c.at] != '\n'
		if c.template() {
			return
		}
	}
}

// template takes one step in a text, and says whether an expression begins.
func (c *comments) template() bool {
	switch b := c.src[c.at]; {
	case b != '$' && b != '%':
		c.at++
	case c.next("$${"), c.next("%%{"):
		c.at += 3
	case c.next("${"), c.next("%{"):
		c.push(nest{braces: 1})
		c.at += 2
		return true
	default:
		c.at++
	}
	return false
}
