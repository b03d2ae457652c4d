package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// What is shown of a source: the library's own writer reads the whole file for each diagnostic, and
// shows lines of any length.
const (
	mostLines   = 5
	longestLine = 500
)

// Text writes diagnostics for a terminal, as Nomad and Terraform do, each with its file, line, column
// and source line. sources holds the bytes of the files by the name they were parsed under; width 0
// does not wrap.
func Text(diags hcl.Diagnostics, sources map[string][]byte, width uint, color bool) string {
	lines := make(map[string][][]byte, len(sources))
	for name, src := range sources {
		lines[name] = bytes.Split(bytes.TrimPrefix(normal(src), []byte("\ufeff")), []byte("\n")) // as it was parsed
	}
	w := writer{width: int(width), lines: lines}
	if color {
		w.underlined, w.plain = "\x1b[1;4m", "\x1b[0m"
	}
	for _, d := range diags {
		w.write(d, color)
	}
	return w.String()
}

type writer struct {
	strings.Builder
	width             int
	lines             map[string][][]byte
	underlined, plain string
}

func (w *writer) write(d *hcl.Diagnostic, color bool) {
	severity, red := "Error", "\x1b[31m"
	if d.Severity == hcl.DiagWarning {
		severity, red = "Warning", "\x1b[33m"
	}
	if !color {
		red = ""
	}
	if at := where(d); at != "" {
		w.WriteString(at + ": ")
	}
	fmt.Fprintf(w, "%s%s%s: %s\n\n", red, severity, w.plain, d.Summary)
	if d.Subject != nil {
		w.snippet(*d.Subject, d.Context)
	}
	if d.Detail != "" {
		w.WriteString(wrap(d.Detail, w.width) + "\n\n")
	}
}

// where is FILE:LINE:COLUMN; that of a fault in a file of variables is its location.
func where(d *hcl.Diagnostic) string {
	if r := d.Subject; r != nil {
		return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
	}
	if l, ok := d.Extra.(location); ok && strings.Contains(string(l), ":") {
		return string(l)
	}
	return ""
}

// snippet shows the lines that a diagnostic is about, and those of its context before them.
func (w *writer) snippet(r hcl.Range, context *hcl.Range) {
	lines, known := w.lines[r.Filename]
	fmt.Fprintf(w, "  on %s line %d:\n", r.Filename, r.Start.Line)
	if !known {
		w.WriteString("  (source code not available)\n")
	}
	first := r.Start.Line
	if context != nil && context.Start.Line > first-mostLines {
		first = min(first, context.Start.Line)
	}
	for n := first; n <= min(r.End.Line, len(lines), r.Start.Line+mostLines-1); n++ {
		if n < 1 || n > r.Start.Line && n == r.End.Line && r.End.Column <= 1 {
			continue
		}
		line := bytes.TrimSuffix(lines[n-1], []byte("\r"))
		if len(line) > longestLine {
			fmt.Fprintf(w, "%4d: (a line of %d bytes)\n", n, len(line))
			continue
		}
		from, to := 0, len(line)
		if n < r.Start.Line {
			to = 0
		}
		if n == r.Start.Line {
			from = offsetOf(line, r.Start.Column)
		}
		if n == r.End.Line {
			to = max(from, offsetOf(line, r.End.Column))
		}
		if w.underlined == "" || from == to {
			fmt.Fprintf(w, "%4d: %s\n", n, line)
			continue
		}
		fmt.Fprintf(w, "%4d: %s%s%s%s%s\n", n, line[:from], w.underlined, line[from:to], w.plain, line[to:])
	}
	w.WriteString("\n")
}

// offsetOf gives the byte at which a column begins, near enough to underline it.
func offsetOf(line []byte, column int) int {
	at := 0
	for i := 1; i < column && at < len(line); i++ {
		_, n := utf8.DecodeRune(line[at:])
		at += n
	}
	return at
}

// wrap breaks a text at blanks so that no line is wider than it must be; width 0 leaves it alone.
func wrap(text string, width int) string {
	if width == 0 {
		return text
	}
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		at := 0
		for j, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case at+1+n > width:
				b.WriteByte('\n')
				at = 0
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
	}
	return b.String()
}
