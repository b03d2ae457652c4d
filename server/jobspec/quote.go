package jobspec

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// interpolated is a value as Nomad's env wants it.
func interpolated(v paas.Value) string {
	var b strings.Builder
	for _, part := range v {
		if part.Ref != nil {
			b.WriteString("${" + variable(*part.Ref, asIs) + "}")
		} else {
			b.WriteString(part.Text)
		}
	}
	return b.String()
}

// argument is a value as a driver's config wants it: an HCL template.
func argument(v paas.Value) string {
	var b strings.Builder
	v = joined(v)
	for i, part := range v {
		if part.Ref != nil {
			b.WriteString("${" + variable(*part.Ref, underscored) + "}")
		} else {
			b.WriteString(literal(part.Text, i == len(v)-1))
		}
	}
	return b.String()
}

// byteOrderMark is taken by HCL as a sign of the encoding where it comes first, and dropped.
const byteOrderMark = "\ufeff"

// literal writes text into an HCL template. Three texts need quotes: one with a $ right before a
// reference, which would read as the escape $${, one with a carriage return, after which HCL's scanner
// overlooks a reference, and one that begins with a byte order mark.
func literal(text string, last bool) string {
	escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text)
	plain := !strings.Contains(text, "\r") && !strings.HasPrefix(text, byteOrderMark)
	if plain && (last || !strings.HasSuffix(text, "$")) {
		return escaped
	}
	return `${"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(escaped) + `"}`
}

// joined makes one part of neighbouring texts, so that none can form a marker with the next.
func joined(v paas.Value) paas.Value {
	var out paas.Value
	for _, part := range v {
		if n := len(out); n > 0 && part.Ref == nil && out[n-1].Ref == nil {
			out[n-1].Text += part.Text
			continue
		}
		out = append(out, part)
	}
	return out
}

// templated is a value as a line of an environment file wants it, rendered by consul-template: { is
// written as an action of its own, so that no text can open one, and whatever the file's grammar
// gives a meaning is escaped.
func templated(v paas.Value) string {
	var b strings.Builder
	for _, part := range v {
		if part.Ref != nil {
			b.WriteString(looked(*part.Ref))
			continue
		}
		for _, c := range part.Text {
			switch {
			case c == '{':
				b.WriteString(`{{"{"}}`)
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteRune(c)
			case ' ' <= c && c <= '~':
				b.WriteRune(c)
			default:
				for _, unit := range utf16.Encode([]rune{c}) {
					fmt.Fprintf(&b, `\u%04x`, unit)
				}
			}
		}
	}
	return b.String()
}
