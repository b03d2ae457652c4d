package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// tones gives each status word its colour, the same in every table. The word itself is always
// printed: colour never stands alone.
var tones = map[string]string{
	"running": "2", "healthy": "2", "ok": "2", "answering": "2", "passing": "2", "done": "2", "live": "2",
	"pending": "3", "deploying": "3", "degraded": "3", "paused": "3", "routed": "3", "unknown": "3", "stopping": "3", "warning": "3",
	"failing": "1", "FAILED": "1", "failed": "1", "reverted": "1", "critical": "1", "lost": "1", "canceled": "1",
	"stopped": "8", "complete": "8",
}

// tone colours a status word in a terminal.
func (s *session) tone(word string) string {
	color, ok := tones[word]
	if !ok || !s.color {
		return word
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(color)).Render(word)
}

func (s *session) bold(text string) string {
	if !s.color {
		return text
	}
	return lipgloss.NewStyle().Bold(true).Render(text)
}

func (s *session) faint(text string) string {
	if !s.color {
		return text
	}
	return lipgloss.NewStyle().Faint(true).Render(text)
}

// table prints rows below a header, in columns as wide as their widest cell; colours have no width.
func (s *session) table(w io.Writer, header []string, rows [][]string) {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	line := func(row []string, style func(string) string) {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(style(cell))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(header, s.bold)
	for _, row := range rows {
		line(row, func(cell string) string { return cell })
	}
}

// ago is a time as a reader thinks of it.
func ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := max(time.Since(t), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return fmt.Sprintf("%dd ago", int(d.Hours()/24))
}

// Times stand in the zone of this machine, and name it: what an app prints, and what the server says in a
// sentence, is often in another.
const (
	clockLayout  = "15:04:05 MST"
	momentLayout = "2006-01-02 " + clockLayout
)

// moment is a time with its date.
func moment(t time.Time) string { return t.Local().Format(momentLayout) }

// clockText is a time of day, with its date if that is another than today's.
func clockText(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.Year() != now.Year() || t.YearDay() != now.YearDay() {
		return moment(t)
	}
	return t.Format(clockLayout)
}

// seconds is how long something took.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short is an id as a person copies it: its first eight characters name it well enough.
func short(id string) string { return id[:min(8, len(id))] }

// sentenceOf is what an error says to a user, ended with a full stop.
func sentenceOf(err error) string { return ended(paas.MessageOf(err)) }

func ended(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".?!") {
		return text
	}
	return text + "."
}
