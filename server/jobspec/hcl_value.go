package jobspec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// listWidth is how long a list may be on one line.
const listWidth = 100

// expression writes a value of a job: what its fields hold, or what JSON decodes to.
func expression(v reflect.Value) string {
	switch v.Kind() { //nolint:exhaustive // numbers and the rest print themselves
	case reflect.Invalid:
		return "null"
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return zero(v.Type())
		}
		return expression(v.Elem())
	case reflect.String:
		if v.Type() == reflect.TypeFor[json.Number]() {
			return v.String()
		}
		return quoted(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Slice:
		return list(v)
	case reflect.Map:
		return object(v)
	}
	if d, ok := reflect.TypeAssert[time.Duration](v); ok {
		return quoted(paas.Span(d))
	}
	return fmt.Sprint(v.Interface())
}

// zero is the value of a pointer that is not set, for an attribute that must be there.
func zero(t reflect.Type) string {
	if t.Kind() == reflect.Interface {
		return "null"
	}
	return expression(reflect.Zero(t.Elem()))
}

func list(v reflect.Value) string {
	items := make([]string, v.Len())
	for i := range items {
		items[i] = expression(v.Index(i))
	}
	line := "[" + strings.Join(items, ", ") + "]"
	if len(line) <= listWidth && !strings.Contains(line, "\n") {
		return line
	}
	return "[\n" + strings.Join(items, ",\n") + ",\n]"
}

func object(v reflect.Value) string {
	if v.Len() == 0 {
		return "{}"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for key, value := range sorted(v) {
		name := quoted(key)
		if hclsyntax.ValidIdentifier(key) && !keyword[key] {
			name = key
		}
		fmt.Fprintf(&b, "%s = %s\n", name, expression(value))
	}
	b.WriteString("}")
	return b.String()
}

// keyword are the names that mean something else at the beginning of an object.
var keyword = map[string]bool{"for": true, "if": true, "true": true, "false": true, "null": true}

// flat is a value on one line, for a comment.
func flat(v reflect.Value) string {
	text, _ := json.Marshal(v.Interface()) // a job's values come from JSON or are text
	return string(text)
}

func isObject(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.Kind() == reflect.Map
}

func stringIn(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.String(), v.Kind() == reflect.String
}

// quoted writes text as a quoted string that is evaluated to the very same.
func quoted(text string) string { return quote(escaped(text)) }

// label is text as a block's label, where HCL evaluates nothing and still wants its markers escaped.
func label(text string) string {
	return quote(strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text))
}

func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// fitsHeredoc says whether text has lines and can stand as them: a heredoc ends in a line feed, knows no
// escapes, and after a carriage return HCL's scanner overlooks a reference.
func fitsHeredoc(text string) bool {
	invisible := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
	return len(text) > 1 && strings.HasSuffix(text, "\n") && utf8.ValidString(text) && !strings.ContainsFunc(text, invisible)
}

func heredoc(text string) string {
	end := "EOT"
	for n := 2; hasLine(text, end); n++ {
		end = fmt.Sprint("EOT", n)
	}
	return "<<" + end + "\n" + escaped(text) + end
}

func hasLine(text, line string) bool {
	for other := range strings.Lines(text) {
		if strings.TrimSpace(other) == line {
			return true
		}
	}
	return false
}

// nodeReference is what Nomad's parser leaves alone between ${ and }, as it knows no such variable: the
// words that people use, which need no escape. With a } behind it, it would read one too many.
var nodeReference = regexp.MustCompile(`^\$\{(?:NOMAD_[\w-]+|(?:attr|node|meta|device)(?:\.[A-Za-z_][\w-]*)+)\}(?: *(?:[^} ]|$))`)

// escaped writes text so that nothing in it is evaluated.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		marker := i+1 < len(text) && (text[i] == '$' || text[i] == '%') && text[i+1] == '{'
		joined := i > 0 && (text[i-1] == '$' || text[i-1] == '%')
		if marker && (joined || !nodeReference.MatchString(text[i:])) {
			b.WriteByte(text[i])
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
