package route_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// Fabio reads lines by a scanner that drops a line of more than 64 KB with all that follow it, so that
// the rules of other apps would be gone.
func TestNoLineIsLongerThanFabioReads(t *testing.T) {
	t.Parallel()
	longest := paas.Route{Host: strings.Repeat("a.", (paas.MaxRouteHost-1)/2) + "a", Path: "/" + strings.Repeat("x", paas.MaxRoutePath-2) + "/"}
	if problem := paas.CheckRoute(longest); problem != "" {
		t.Fatal(problem)
	}
	text, err := route.Render(shop, "1", []route.Rule{route.Share(green, longest, 0.333).AtPort("65535"), route.DarkRoute(green, longest)})
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if len(line) >= 4096 {
			t.Errorf("a line of %d bytes: %.60s...", len(line), line)
		}
	}
	longer := longest
	longer.Path += strings.Repeat("y", 4096) + "/"
	if text, err := route.Render(shop, "1", []route.Rule{route.DarkRoute(green, longer)}); err == nil {
		t.Errorf("a line of %d bytes is rendered", len(text))
	}
}
