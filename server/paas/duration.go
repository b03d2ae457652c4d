package paas

import (
	"strings"
	"time"
)

// Span writes a time as people do: 5m and 1h, where time.Duration writes 5m0s and 1h0m0s.
func Span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
