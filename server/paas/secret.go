package paas

import (
	"fmt"
	"log/slog"
)

// Secret is a text that must not be seen: in no log, no error, no JSON. Only Reveal gives it.
type Secret struct{ text string }

// Hidden is what a Secret prints as.
const Hidden = "[redacted]"

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal gives the text to whoever must pass it on.
func (s Secret) Reveal() string { return s.text }

// Empty says whether there is nothing to hide.
func (s Secret) Empty() bool { return s.text == "" }

// Equal compares two secrets, for tests and for "did it change".
func (s Secret) Equal(o Secret) bool { return s.text == o.text }

// Format hides the text from every verb of fmt, %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// String hides the text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return Hidden
}

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from encoding/json and its kin.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
