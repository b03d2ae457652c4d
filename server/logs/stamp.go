package logs

import (
	"strconv"
	"strings"
	"time"
)

// looked is how much of a line is looked at for its time.
const looked = 512

// jsonKeys and wordKeys name the time of a line of JSON, and of words such as time=...
var (
	jsonKeys = []string{`"time":`, `"ts":`, `"timestamp":`, `"@timestamp":`, `"t":`}
	wordKeys = []string{"time=", "ts=", "t="}
)

// stampOf gives the time that a line begins with: RFC 3339 and its kin, Go's log package, klog, the
// bracket of an access log, a field of JSON, and logfmt. A time without a zone is taken as UTC; now
// gives the year where a time has none.
func stampOf(line string, now time.Time) (time.Time, bool) {
	if len(line) > looked {
		line = line[:looked]
	}
	if len(line) < 10 {
		return time.Time{}, false
	}
	switch c := line[0]; {
	case digit(c):
		if t, ok := isoStamp(line); ok {
			return t, true
		}
		return accessStamp(line) // it begins with an address
	case c == '[':
		return isoStamp(line[1:])
	case c == '{':
		return jsonStamp(line)
	case c == 't':
		for _, key := range wordKeys {
			if rest, ok := strings.CutPrefix(line, key); ok {
				return isoStamp(strings.TrimPrefix(rest, `"`))
			}
		}
	case c == 'I' || c == 'W' || c == 'E' || c == 'F':
		return klogStamp(line[1:], now)
	}
	return time.Time{}, false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number reads n digits.
func number(s string, n int) (int, bool) {
	if len(s) < n {
		return 0, false
	}
	v := 0
	for i := range n {
		if !digit(s[i]) {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}

// isoStamp reads 2006-01-02T15:04:05.999Z07:00 by hand, as it is done for every line: with a space
// for the T, slashes for the dashes, a comma for the point, and without a zone.
func isoStamp(s string) (time.Time, bool) {
	const shape = "2006-01-02T15:04:05"
	if len(s) < len(shape) || s[4] != s[7] || (s[4] != '-' && s[4] != '/') || (s[10] != 'T' && s[10] != ' ') {
		return time.Time{}, false
	}
	year, ok1 := number(s, 4)
	month, ok2 := number(s[5:], 2)
	day, ok3 := number(s[8:], 2)
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	clock, rest, ok := clockOf(s[11:])
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Add(clock)
	return t.Add(-zoneOf(rest)), true
}

// clockOf reads 15:04:05 and a fraction of any length.
func clockOf(s string) (clock time.Duration, rest string, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, s, false
	}
	hour, ok1 := number(s, 2)
	minute, ok2 := number(s[3:], 2)
	second, ok3 := number(s[6:], 2)
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return 0, s, false
	}
	clock = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	s = s[8:]
	if s != "" && (s[0] == '.' || s[0] == ',') {
		part := time.Second
		i := 1
		for ; i < len(s) && digit(s[i]); i++ {
			part /= 10
			clock += time.Duration(s[i]-'0') * part
		}
		s = s[i:]
	}
	return clock, s, true
}

// zoneOf reads +07:00 or +0700; anything else is UTC.
func zoneOf(s string) time.Duration {
	if len(s) < 5 || (s[0] != '+' && s[0] != '-') {
		return 0
	}
	digits := s[3:]
	if s[3] == ':' {
		digits = s[4:]
	}
	hours, ok1 := number(s[1:], 2)
	minutes, ok2 := number(digits, 2)
	if !ok1 || !ok2 {
		return 0
	}
	zone := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		return -zone
	}
	return zone
}

// klogStamp reads 0102 15:04:05.999999, what follows the letter of klog and glog.
func klogStamp(s string, now time.Time) (time.Time, bool) {
	month, ok1 := number(s, 2)
	if !ok1 || len(s) < 13 || s[4] != ' ' || month < 1 || month > 12 {
		return time.Time{}, false
	}
	day, ok2 := number(s[2:], 2)
	clock, _, ok3 := clockOf(s[5:])
	if !ok2 || !ok3 || day < 1 || day > 31 {
		return time.Time{}, false
	}
	t := time.Date(now.UTC().Year(), time.Month(month), day, 0, 0, 0, 0, time.UTC).Add(clock)
	if t.After(now.AddDate(0, 1, 0)) { // of last December
		t = t.AddDate(-1, 0, 0)
	}
	return t, true
}

// accessStamp finds [02/Jan/2006:15:04:05 -0700].
func accessStamp(line string) (time.Time, bool) {
	const shape = "02/Jan/2006:15:04:05 -0700"
	i := strings.IndexByte(line, '[')
	if i < 0 || len(line) < i+1+len(shape) || line[i+3] != '/' {
		return time.Time{}, false
	}
	t, err := time.Parse(shape, line[i+1:i+1+len(shape)])
	return t.UTC(), err == nil
}

// jsonStamp reads the first field that names a time. The line is not decoded: an app that writes the
// same field inside of another is an hour off at worst, and is not believed then.
func jsonStamp(line string) (time.Time, bool) {
	for _, key := range jsonKeys {
		_, rest, ok := strings.Cut(line, key)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if text, ok := strings.CutPrefix(rest, `"`); ok {
			return isoStamp(text)
		}
		return epochStamp(rest)
	}
	return time.Time{}, false
}

// epochStamp reads seconds, milliseconds, microseconds or nanoseconds since 1970, by their size.
func epochStamp(s string) (time.Time, bool) {
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(s)
	}
	whole, fraction, _ := strings.Cut(s[:end], ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	switch {
	case n > 1e17:
		return time.Unix(0, n).UTC(), true
	case n > 1e14:
		return time.UnixMicro(n).UTC(), true
	case n > 1e11:
		return time.UnixMilli(n).UTC(), true
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64) // digits only
	return time.Unix(n, nanos).UTC(), true
}
