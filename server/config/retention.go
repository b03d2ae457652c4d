package config

import (
	"strconv"
	"strings"
	"time"
)

// check reports what can't be kept to.
func (r Retention) check(fault func(key, format string, args ...any)) {
	for _, d := range []struct{ key, text string }{
		{"retention.age", r.Age}, {"retention.events", r.Events}, {"retention.content", r.Content}, {"retention.every", r.Every},
	} {
		if Period(d.text) <= 0 {
			fault(d.key, "%s = %q is not a duration, such as 90d or 12h.", d.key, d.text)
		}
	}
	for _, n := range []struct {
		key string
		n   int
	}{{"retention.releases", r.Releases}, {"retention.rollbacks", r.Rollbacks}} {
		if n.n < 1 {
			fault(n.key, "%s = %d must be at least 1.", n.key, n.n)
		}
	}
}

// Period is a duration that may be in whole days; 0 if it is none.
func Period(text string) time.Duration {
	const day = 24 * time.Hour
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.Atoi(digits)
		if err != nil || days < 0 || days > 36500 {
			return 0
		}
		return time.Duration(days) * day
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}
