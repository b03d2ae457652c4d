package api_test

import (
	"slices"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestEveryRowSaysWhatItTakes(t *testing.T) {
	t.Parallel()
	known := append(paas.Verbs(), paas.VerbNone)
	for _, r := range api.Routes() {
		switch {
		case r.Public && r.Verb != "":
			t.Errorf("%s is public and takes %q", r.Operation, r.Verb)
		case !r.Public && !slices.Contains(known, r.Verb):
			t.Errorf("%s says no verb: add may(paas.VerbX) to its row", r.Operation)
		}
	}
}
