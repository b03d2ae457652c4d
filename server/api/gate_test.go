package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
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

// lineless is an audit that takes no line.
type lineless struct{ apitest.Audit }

func (lineless) Record(context.Context, paas.Audited) error {
	return paas.Errorf(paas.Unavailable, "The database is away.")
}

func TestNothingIsRevealedWithoutALine(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	config := apitest.Config(t, platform)
	well := apitest.Start(t, config)
	config.Audit = lineless{}
	ill := apitest.Start(t, config)
	const secret = "a value that nobody may see"
	answer, text := apitest.Call(t, "PATCH", well.URL+"/v1/apps/shop/config", strings.NewReader(`{"set": [{"name": "KEY", "value": "`+secret+`", "kind": "secret"}]}`)) //nolint:bodyclose // Call closes it
	if answer.StatusCode >= 300 {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	for address, want := range map[string]int{well.URL: http.StatusOK, ill.URL: http.StatusServiceUnavailable} {
		answer, text := apitest.Call(t, "POST", address+"/v1/apps/shop/config/reveal", strings.NewReader(`{}`)) //nolint:bodyclose // Call closes it
		if answer.StatusCode != want || strings.Contains(string(text), secret) != (want == http.StatusOK) {
			t.Errorf("reveal: %d %s, want %d", answer.StatusCode, text, want)
		}
	}
	lines, err := apitest.Audit{Platform: platform}.List(t.Context(), paas.AuditFilter{Limit: 100})
	if err != nil || len(lines) != 2 || lines[1].Action != "revealConfig" || strings.Contains(fmt.Sprintf("%s%s", lines[0].After, lines[1].After), secret) {
		t.Errorf("the audit holds %+v, %v", lines, err)
	}
}
