package spec

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format lays a spec out in the canonical style: indented by two, equals signs in line, lines that
// end in LF, no blank lines at a block's edges or in twos, one newline at the end. Comments stay. A
// source that can't be parsed is refused.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	src = bytes.TrimPrefix(normal(src), []byte("\ufeff"))
	if diag := tooMuch(src, filename); diag != nil {
		return nil, hcl.Diagnostics{diag}
	}
	if _, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); diags.HasErrors() {
		f := faults{said: map[said]bool{}}
		f.parsed(diags)
		return nil, f.all()
	}
	for range mostRounds {
		out := tidy(hclwrite.Format(src))
		if bytes.Equal(out, src) {
			break
		}
		src = out
	}
	return src, nil
}

// mostRounds is how often a source is laid out until it stays as it is: where lines end up in line
// with one another can depend on the round before.
const mostRounds = 4

// tidy takes out what the library leaves: blanks at the ends of lines, and blank lines in twos and
// at the edges of files and braces. It works on tokens, so texts and heredocs stay as they are.
func tidy(src []byte) []byte {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos) // it was parsed before
	out := make([]byte, 0, len(src)+1)
	end, lines, most := 0, 1, 1 // of src written; newlines in a row; how many may stand here
	for i, t := range tokens {
		gap := src[end:t.Range.Start.Byte]
		end = t.Range.End.Byte
		switch t.Type {
		case hclsyntax.TokenNewline:
			if lines >= most || lines == 1 && closes(tokens[i+1:]) {
				continue
			}
			out = append(out, '\n')
			lines++
			continue
		case hclsyntax.TokenEOF:
			if len(out) > 0 && out[len(out)-1] != '\n' {
				out = append(out, '\n')
			}
			return out
		case hclsyntax.TokenComment:
			out = append(out, gap...)
			text := bytes.TrimRight(t.Bytes, " \t\n")
			out = append(out, text...)
			lines, most = 0, 2
			if bytes.HasSuffix(t.Bytes, []byte("\n")) {
				out = append(out, '\n')
				lines = 1
			}
			continue
		}
		out = append(append(out, gap...), t.Bytes...)
		lines, most = 0, 2
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			most = 1
		case hclsyntax.TokenCHeredoc:
			if bytes.HasSuffix(t.Bytes, []byte("\n")) {
				lines = 1
			}
		default:
		}
	}
	return out
}

// closes says that nothing but blank lines stands before a closing brace, or the end of the file.
func closes(tokens hclsyntax.Tokens) bool {
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenNewline:
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenEOF:
			return true
		default:
			return false
		}
	}
	return true
}
