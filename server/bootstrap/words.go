package bootstrap

import (
	"context"
	"regexp"
	"strings"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// faulty is what lines of a log have that say what went wrong.
var faulty = regexp.MustCompile(`(?i)\b(error|failed|fatal|panic)\b`)

const longestWords = 400

// withWords adds to an error about a service the last fault in its log, where there is one: most often that is why.
func (w *World) withWords(ctx context.Context, m fleet.Machine, s agents.Service, err error) error {
	host, ok := w.Hosts[m.Name]
	if !ok {
		return err
	}
	log, failed := host.Run(ctx, s.Script(w.Fleet.Init, agents.Log), nil)
	words := lastFault(string(log))
	if failed != nil || words == "" {
		return err
	}
	return paas.Wrap(paas.CodeOf(err), err, "%s The log of %s on %s says: %s", sentence(err), s.Name, m.Name, words)
}

// lastFault is the last line of a log that says what went wrong, "" for none.
func lastFault(log string) string {
	last := ""
	for line := range strings.Lines(log) {
		if faulty.MatchString(line) {
			last = strings.TrimSpace(line)
		}
	}
	if len(last) > longestWords {
		last = strings.ToValidUTF8(last[:longestWords], "") + "..."
	}
	return last
}
