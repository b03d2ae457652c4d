package paas_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestVariablesThatThePlatformSetsAreNobodysToSet(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"API_KEY": "", "_x1": "", "PORTS": "", "HOSTNAME": "", "lower": "",
		"": "empty", "A-B": "only letters", "A/B": "only letters", "1A": "begin with", "Ä": "only letters", "A B": "only letters", strings.Repeat("A", 257): "257 characters",
		"PORT": "set by Crumpet", "PORT_HTTP": "set by Crumpet", "HOST": "set by Crumpet", "CRUMPET_APP": "set by Crumpet", "NOMAD_TOKEN": "set by Crumpet",
		"VAULT_TOKEN": "set by Crumpet", "SERVICE_BINDING_ROOT": "set by Crumpet", "VCAP_SERVICES": "set by Crumpet", "VCAP_APPLICATION": "set by Crumpet",
	} {
		got := paas.CheckVariable(name)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestTheNumberOfAUserIsKnownWhereNoNodeIsNeeded(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]int{"": 65534, "nobody": 65534, "0": 0, "1000": 1000, "1000:50": 1000, "app": -1, "app:50": -1, "-3": -1} {
		id, known := paas.UserNumber(user)
		if !known {
			id = -1
		}
		if id != want {
			t.Errorf("%q has the number %d, want %d", user, id, want)
		}
	}
}
