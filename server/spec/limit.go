package spec

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of a source besides its length.
const (
	deepestNesting = 64        // of braces, brackets, quotes and signs before a value
	mostTokens     = 300_000   // as many as 1 MiB of any spec that a person writes
	mostSteps      = 500       // operators, dots and brackets of one value: each nests in the one before
	longestNumber  = 1000      // digits: reading one takes the square of that
	mostJoined     = 128 << 20 // bytes copied, as the parser joins each line of a heredoc to those before
)

// tooMuch refuses sources that would make the recursive parser use much memory or time: a server
// parses what strangers send.
func tooMuch(src []byte, filename string) *hcl.Diagnostic {
	refuse := func(r hcl.Range, format string, args ...any) *hcl.Diagnostic {
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "App spec too large", Detail: fmt.Sprintf(format, args...), Subject: &r}
	}
	if len(src) > maxSource {
		start := hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}
		return refuse(start, "The app spec has %d bytes; at most %d are read.", len(src), maxSource)
	}
	if diag := noText(src, filename); diag != nil {
		return diag
	}
	if ordinary(src, deepestNesting, mostSteps) {
		return nil
	}
	// Faults of the scanner are reported by the parser, which scans again.
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos)
	if len(tokens) > mostTokens {
		return refuse(tokens[mostTokens].Range, "The app spec has %d words and signs; at most %d are read, which end here.", len(tokens), mostTokens)
	}
	var n nesting
	for i, t := range tokens {
		n.take(tokens, i)
		switch {
		case n.deepest() > deepestNesting:
			return refuse(t.Range, "The app spec is nested more than %d levels deep here.", deepestNesting)
		case n.most > mostSteps:
			return refuse(t.Range, "One value has more than %d operators, dots or brackets up to here. Split it up into locals.", mostSteps)
		case n.joined > mostJoined:
			return refuse(t.Range, "The text that ends here is too long for the app spec. Keep it in a file of its own beside the source.")
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > longestNumber:
			return refuse(t.Range, "The number has %d digits; at most %d are read.", len(t.Bytes), longestNumber)
		}
	}
	return nil
}

// noText finds the first byte of a source that is not text.
func noText(src []byte, filename string) *hcl.Diagnostic {
	at := bytes.IndexByte(src, 0)
	what := "The file has a NUL byte here, so it is no text. Take it out."
	if !utf8.Valid(src) {
		for i := 0; at < 0 || i < at; {
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n == 1 {
				at, what = i, fmt.Sprintf("The byte 0x%02x here is not UTF-8. Save the file with the encoding UTF-8.", src[i])
				break
			}
			i += n
		}
	}
	if at < 0 {
		return nil
	}
	line := bytes.Count(src[:at], []byte("\n"))
	column := utf8.RuneCount(src[bytes.LastIndexByte(src[:at], '\n')+1 : at])
	start := hcl.Pos{Line: line + 1, Column: column + 1, Byte: at}
	end := start
	end.Byte, end.Column = at+1, start.Column+1
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Not text", Detail: what,
		Subject: &hcl.Range{Filename: filename, Start: start, End: end},
	}
}

// Tokens that make the parser go one level deeper, and those that end a level.
var (
	opening = []hclsyntax.TokenType{
		hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
	}
	closing = []hclsyntax.TokenType{
		hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd,
	}
)

// nesting follows how deep the parser would go.
type nesting struct {
	open    []frame // the innermost last; the first is the file
	most    int     // steps of any value so far
	signs   int     // in a row, before a value
	control int     // %{ if } and %{ for } that are open
	text    int     // bytes of the text at hand
	joined  int     // bytes copied for all texts
}

// frame is an opened brace, bracket or quote with the value at hand in it.
type frame struct {
	lines   bool // a new line begins another value
	steps   int
	choices int // each nests in the one before
}

func (n *nesting) deepest() int {
	return max(len(n.open)-1, n.signs, n.control, n.open[len(n.open)-1].choices)
}

func (n *nesting) take(tokens hclsyntax.Tokens, i int) {
	t := tokens[i]
	if len(n.open) == 0 {
		n.open = append(n.open, frame{lines: true})
	}
	top := &n.open[len(n.open)-1]
	if t.Type == hclsyntax.TokenStringLit || t.Type == hclsyntax.TokenQuotedLit {
		n.joined += n.text
		n.text += len(t.Bytes)
	} else {
		n.text = 0
	}
	newline := t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment && bytes.HasSuffix(t.Bytes, []byte("\n"))
	if t.Type == hclsyntax.TokenComment && !newline || newline && !top.lines {
		return // the parser passes over it
	}
	if t.Type == hclsyntax.TokenMinus || t.Type == hclsyntax.TokenBang {
		n.signs++
	} else {
		n.signs = 0
	}
	switch t.Type {
	case hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenComma, hclsyntax.TokenEqual:
		top.steps, top.choices = 0, 0
	case hclsyntax.TokenQuestion:
		top.choices++
	case hclsyntax.TokenTemplateControl:
		n.control = max(0, n.control+controls[keyword(tokens, i+1)])
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenDot, hclsyntax.TokenStar,
		hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr:
		top.steps++
		n.most = max(n.most, top.steps)
	default:
	}
	switch {
	case slices.Contains(opening, t.Type):
		n.open = append(n.open, frame{lines: t.Type == hclsyntax.TokenOBrace && keyword(tokens, i+1) != "for"})
	case slices.Contains(closing, t.Type):
		n.open = n.open[:max(1, len(n.open)-1)]
	}
}

// controls are the words after %{ that begin and end something.
var controls = map[string]int{"if": 1, "for": 1, "endif": -1, "endfor": -1}

// keyword gives the name that comes next, past newlines.
func keyword(tokens hclsyntax.Tokens, i int) string {
	for i < len(tokens) && (tokens[i].Type == hclsyntax.TokenNewline || tokens[i].Type == hclsyntax.TokenComment) {
		i++
	}
	if i < len(tokens) && tokens[i].Type == hclsyntax.TokenIdent {
		return string(tokens[i].Bytes)
	}
	return ""
}
