package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

func TestTheRuleOfAStep(t *testing.T) {
	t.Parallel()
	d, snap := scene{steps: []paas.Step{step(1, 2)}, wanted: 2}.build()
	next := snap.Releases[2]
	next.Spec.Processes = append(next.Spec.Processes, paas.Process{
		Name: "api", Routes: []paas.Route{{Host: "shop.localhost", Path: "/api/", Port: "http"}}, // that release 1 lacks
	})
	snap.Releases[2] = next
	const web, api = "default--shop--web--green", "default--shop--api--green"
	for name, c := range map[string]struct {
		share         int
		back          bool
		port          string
		version, want string
	}{
		"dark": {0, false, "9999", "d1-0", "route del " + web + "\nroute del " + api},
		"a share, but not of a route that the other release would lose requests of another route to": {
			5, false, "", "d1-5", "route del " + api + " shop.localhost/api/\nroute weight " + web + " shop.localhost/ weight 0.0500",
		},
		"a share where clients name the router's port": {
			50, false, "9999", "d1-50", "route del " + api + " shop.localhost/api/\nroute del " + api + " shop.localhost:9999/api/\n" +
				"route weight " + web + " shop.localhost/ weight 0.5000\nroute weight " + web + " shop.localhost:9999/ weight 0.5000",
		},
		"everything": {100, false, "", "d1-100", "route weight " + web + " shop.localhost/ weight 2\nroute weight " + api + " shop.localhost/api/ weight 2"},
		"dark again": {0, true, "", "d1-back-0", "route del " + web + "\nroute del " + api},
	} {
		d.Abort = c.back
		d.Steps = []paas.Step{share(c.share, step(1, 2))}
		snap.Deployments = []paas.Deployment{d}
		want := deploy.World(snap)
		if want.Fence != c.version {
			t.Errorf("%s: fence %q, want %q", name, want.Fence, c.version)
		}
		text, err := route.Render(snap.App.Ref(), want.Fence, deploy.RulesOf(snap, want.Traffic, c.port))
		if err != nil {
			t.Fatal(err)
		}
		lines, _, _ := strings.Cut(text, "\nroute add crumpet-fence")
		if diff := cmp.Diff(c.want, lines); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if rules := deploy.RulesOf(snap, deploy.Traffic{}, ""); rules != nil {
		t.Errorf("no rule is wanted: %d lines", len(rules))
	}
}
