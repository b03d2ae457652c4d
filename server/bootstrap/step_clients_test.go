package bootstrap_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
)

func TestADriverThatRunsNoTaskIsToldWhy(t *testing.T) {
	for _, c := range []struct{ drivers, want string }{
		{`{"exec": {"Healthy": true, "HealthDescription": "Healthy"}}`, ""},
		{`{"exec": {"Healthy": false, "HealthDescription": "Driver must run as root"}}`, "Driver must run as root"},
		{`{"exec": {"Healthy": false}}`, "still looking"},
		{`{"raw_exec": {"Healthy": true}}`, "this build of the program does not have it"},
	} {
		got, err := bootstrap.Unfit(c.drivers, "exec")
		if err != nil || !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, %v; want %q", c.drivers, got, err, c.want)
		}
	}
}
