package watch_test

import (
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/watch"
)

func TestWhatATemplateLacksOfVaultIsNamed(t *testing.T) {
	t.Parallel()
	for missing, want := range map[string]string{
		"vault.read(crumpet/data/apps/default/shop/config.v3)":       "web waits for version 3 of its configuration, which Vault does not give",
		"vault.read(database/creds/crumpet-default--shop--db--7)":    "web waits for the credentials of service db, which Vault does not give",
		"vault.read(paas/kv/data/apps/a-b/shop/bindings/my-mail.v2)": "web waits for the credentials of service my-mail, which Vault does not give",
		"nomad.var.get(nomad/jobs@default.global)":                   "web waits to be told in the Nomad variable nomad/jobs which credentials are its",
		"kv.block(x)": "web waits for a template: Missing: kv.block(x)",
		"vault.read(crumpet/data/apps/t/shop/config.v12), vault.read(database/creds/crumpet-t--shop--db--1)": "web waits for version 12 of its configuration and the credentials of service db, which Vault does not give",
		"vault.read(kv/data/app)": "web waits for a template: Missing: vault.read(kv/data/app)",
	} {
		task := &nomadapi.TaskState{State: "pending", Events: []*nomadapi.TaskEvent{{Type: "Template", DisplayMessage: "Missing: " + missing}}}
		if got := watch.Reason("web", task, 128); got != want {
			t.Errorf("%s\ngot  %q\nwant %q", missing, got, want)
		}
	}
}
