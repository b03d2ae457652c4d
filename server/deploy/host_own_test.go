package deploy_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestNoAppCanHaveCrumpetsOwnHost(t *testing.T) {
	t.Parallel()
	d := deploy.New(deploy.Config{Domain: "apps.test", Own: "crumpet.apps.test"})
	for _, host := range []string{"crumpet.apps.test", "*.apps.test"} {
		spec := paas.Spec{App: "shop", Processes: []paas.Process{{Name: "web", Routes: []paas.Route{{Host: host, Path: "/v1/"}}}}}
		_, err := d.Deploy(t.Context(), paas.DeployRequest{Team: "default", App: "shop", Spec: spec})
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), "that of Crumpet itself, crumpet.apps.test") {
			t.Errorf("%s: %v", host, err)
		}
	}
	// An app of the name that has none of its own would get it by default.
	spec := paas.Spec{App: "crumpet", Processes: []paas.Process{{Name: "web", Ports: []paas.Port{{Name: "http"}}}}}
	if _, err := d.Deploy(t.Context(), paas.DeployRequest{Team: "default", App: "crumpet", Spec: spec}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("by default: %v", err)
	}
}
