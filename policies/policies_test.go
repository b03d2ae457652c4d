package policies_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclsimple"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// allowed reads a policy: capabilities by path.
func allowed(t *testing.T, text string) map[string]string {
	t.Helper()
	var file struct {
		Paths []struct {
			Path         string   `hcl:"path,label"`
			Capabilities []string `hcl:"capabilities"`
		} `hcl:"path,block"`
	}
	if err := hclsimple.Decode("policy.hcl", []byte(text), nil, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, p := range file.Paths {
		if _, again := all[p.Path]; again {
			t.Errorf("path %q stands twice: Vault takes one of them", p.Path)
		}
		all[p.Path] = strings.Join(p.Capabilities, " ")
	}
	return all
}

func TestAnAppMayReadItsOwnPathsAndKeepItsTokenAndNoMore(t *testing.T) {
	t.Parallel()
	text := policies.App(policies.Mounts{KV: "kv", Database: "sql"}, paas.AppRef{Team: "blue-team", App: "shop"})
	want := map[string]string{
		"kv/data/apps/blue-team/shop/*":        "read",
		"sql/creds/crumpet-blue-team--shop--*": "read",
		"sys/leases/renew":                     "update",
		"auth/token/renew-self":                "update",
		"auth/token/lookup-self":               "read",
	}
	if diff := cmp.Diff(want, allowed(t, text)); diff != "" {
		t.Error(diff)
	}
	if left := regexp.MustCompile(`MOUNT|DATABASE|TEAM|\bAPP\b`).FindString(text); left != "" {
		t.Errorf("%s was not replaced", left)
	}
}

func TestTheServerMayDoNothingOutsideOfCrumpet(t *testing.T) {
	t.Parallel()
	all := allowed(t, policies.Server)
	own := regexp.MustCompile(`^(crumpet/(data/platform|metadata/platform/providers|(data|metadata|delete|destroy)/apps|(data|metadata|destroy)/services)/\*|(auth/jwt-nomad/role|sys/policies/acl|database/(config|roles|rotate-root|creds)|sys/leases/(revoke-prefix|lookup)/database/creds)/crumpet-\*|sys/mounts/crumpet|sys/leases/revoke|auth/token/(renew|lookup)-self)$`)
	const doctors = "sys/storage/raft/autopilot/state" // who leads and who votes, no more
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if !own.MatchString(path) && (path != doctors || all[path] != "read") {
			t.Errorf("path %q reaches beyond what is Crumpet's", path)
		}
		leases := strings.HasPrefix(path, "sys/leases/lookup/") // of Crumpet's own credentials: to count them
		if strings.Contains(all[path], "list") != leases || strings.Contains(all[path], "sudo") != (leases || strings.HasPrefix(path, "sys/leases/revoke-prefix/")) {
			t.Errorf("path %q allows %s", path, all[path])
		}
	}
	if strings.Contains(all["crumpet/data/platform/*"], "delete") {
		t.Error("a platform key may be deleted")
	}
}

func TestEveryPathIsExplained(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"app": policies.App(policies.Mounts{KV: "kv", Database: "sql"}, paas.AppRef{Team: "t", App: "a"}), "server": policies.Server} {
		for block := range strings.SplitSeq(text, "\n\n") {
			if strings.Contains(block, "path \"") && !strings.HasPrefix(block, "# ") {
				t.Errorf("%s.hcl: no comment above\n%s", name, block)
			}
		}
	}
}
