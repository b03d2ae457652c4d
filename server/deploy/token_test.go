package deploy_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestATokenThatEndsIsFoundAndLeftToAPerson(t *testing.T) {
	t.Parallel()
	why := ""
	r := deploy.NewRepair(deploy.RepairConfig{Token: func() string { return why }})
	if found := r.TokenEnding(nil); len(found) > 0 {
		t.Errorf("with a token that is well: %+v", found)
	}
	why = "Crumpet's token in Vault ends in 3h and can't be renewed. Make a periodic one."
	found := r.TokenEnding(nil)
	if len(found) != 1 || found[0].Kind != paas.TokenEnding || found[0].Heals || !strings.Contains(found[0].Found, "ends in 3h") {
		t.Errorf("found %+v", found)
	}
	if found := r.TokenEnding(&shop); len(found) > 0 {
		t.Errorf("it is told of an app: %+v", found)
	}
}
