package install_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/install"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// answers are what a program says to "METHOD /path?query"; to all else it says that there is no such thing.
type answers map[string]any

// call answers, and notes what would have written.
func (a answers) call(wrote *[]string) install.Call {
	return func(_ context.Context, method, path string, _, out any) error {
		if method != "GET" && !strings.HasSuffix(path, "/parse") && !strings.Contains(path, "/plan") {
			*wrote = append(*wrote, method+" "+path)
		}
		switch answer := a[method+" "+path].(type) {
		case nil:
			return paas.Errorf(paas.NotFound, "no %s", path)
		case error:
			return answer
		case string:
			if out == nil {
				return nil
			}
			return json.Unmarshal([]byte(answer), out)
		}
		return nil
	}
}

// cluster is one that is ready, with ACLs on and nothing of the platform's.
func cluster() (nomad, consul, vault answers) {
	nomad = answers{
		"GET /v1/agent/self":     `{"config": {"ACL": {"Enabled": true}, "Version": {"Version": "1.10.2"}}}`,
		"GET /v1/acl/token/self": `{"Type": "management"}`,
		"GET /v1/nodes":          `[{"ID": "n1", "Name": "one", "Address": "10.0.0.1", "Status": "ready", "NodePool": "default"}, {"ID": "n2", "Name": "gone", "Status": "down", "NodePool": "default"}]`,
		"GET /v1/node/n1":        `{"Attributes": {"driver.exec": "1", "consul.version": "1.8.7", "vault.version": "1.20.0"}, "HostVolumes": {"crumpet-programs": {}}}`,
	}
	consul = answers{
		"GET /v1/agent/self":                     `{"Config": {"Version": "1.8.7"}, "DebugConfig": {"ACLsEnabled": true}}`,
		"GET /v1/acl/policies":                   `[]`,
		"GET /v1/health/service/fabio?passing=1": `[]`,
	}
	vault = answers{
		"GET /v1/sys/seal-status":        `{"initialized": true, "sealed": false, "version": "1.20.0"}`,
		"GET /v1/auth/token/lookup-self": `{}`,
		"GET /v1/sys/mounts":             `{"data": {"secret/": {}}}`,
		"GET /v1/sys/auth":               `{"data": {"token/": {}}}`,
	}
	return nomad, consul, vault
}

func wish() install.Wish {
	w := install.Default()
	w.Domain, w.VaultURL, w.Crumpet.Version = "apps.test", "http://127.0.0.1:8200", "1.0.0"
	return w
}

func open(t *testing.T, nomad, consul, vault answers, wrote *[]string, change ...func(*install.Config)) *install.Install {
	t.Helper()
	cfg := install.Config{
		Nomad: nomad.call(wrote), Consul: consul.call(wrote), Vault: vault.call(wrote), Wish: wish(),
		Given: install.Secrets{Database: "postgres://u:hunter2@db/crumpet"}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Say: func(string, ...any) {},
	}
	for _, c := range change {
		c(&cfg)
	}
	i, err := install.New(cfg)
	if err != nil {
		t.Fatal(err, paas.FaultsOf(err))
	}
	return i
}

func names(list []install.Object) (all []string) {
	for _, o := range list {
		all = append(all, o.Program+" "+o.Kind+" "+o.Name)
	}
	return all
}

func TestAPlanNamesEveryObjectAndWritesNothing(t *testing.T) {
	t.Parallel()
	nomad, consul, vault := cluster()
	var wrote []string
	list, err := open(t, nomad, consul, vault, &wrote).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"vault mount mounts/crumpet", "vault mount mounts/database", "vault mount auth/jwt-nomad", "vault config auth/jwt-nomad",
		"vault policy crumpet", "vault role auth/jwt-nomad/crumpet", "vault policy fabio", "vault role auth/jwt-nomad/fabio",
		"consul policy crumpet", "consul token crumpet", "consul policy fabio", "consul token fabio",
		"nomad namespace crumpet--platform", "nomad namespace crumpet-verify", "nomad policy crumpet", "nomad token crumpet",
		"vault secret crumpet/platform/server", "vault secret crumpet/platform/first-token", "nomad job fabio", "nomad job crumpet",
		"vault secret crumpet/platform/install",
	}
	if diff := cmp.Diff(want, names(list)); diff != "" {
		t.Error(diff)
	}
	if len(wrote) > 0 {
		t.Errorf("it wrote %v", wrote)
	}
	text, err := json.Marshal(list)
	if err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the plan shows a secret: %s %v", text, err)
	}
}

func TestAClusterWithoutACLsGetsNoPoliciesAndTokensOfThem(t *testing.T) {
	t.Parallel()
	nomad, consul, vault := cluster()
	nomad["GET /v1/agent/self"] = `{"config": {"Version": {"Version": "1.10.2"}}}`
	consul["GET /v1/agent/self"] = `{"Config": {"Version": "1.21.0"}}`
	var wrote []string
	list, err := open(t, nomad, consul, vault, &wrote).Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(list) {
		if strings.HasPrefix(name, "consul ") || strings.HasSuffix(name, "token crumpet") || name == "nomad policy crumpet" || strings.HasSuffix(name, " fabio") && name != "nomad job fabio" {
			t.Errorf("%s is in the plan", name)
		}
	}
}

func TestAFabioThatIsThereIsKept(t *testing.T) {
	t.Parallel()
	nomad, consul, vault := cluster()
	consul["GET /v1/health/service/fabio?passing=1"] = `[{"Node": {"Address": "10.0.0.9"}, "Service": {"Port": 9998}}]`
	var wrote []string
	i := open(t, nomad, consul, vault, &wrote)
	there, err := i.Survey(t.Context())
	if err != nil || len(there.Fabio) != 1 || there.Fabio[0].Address != "10.0.0.9:9998" {
		t.Fatalf("found %+v, %v", there.Fabio, err)
	}
	list, err := i.Plan(t.Context())
	if err != nil || slices.ContainsFunc(names(list), func(n string) bool { return strings.Contains(n, "fabio") }) {
		t.Errorf("%v %v", names(list), err)
	}
}

func TestAllThatAClusterLacksIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	nomad, consul, vault := cluster()
	nomad["GET /v1/acl/token/self"] = `{"Type": "client"}`
	nomad["GET /v1/node/n1"] = `{"Attributes": {"consul.version": "1.8.7"}}`
	vault["GET /v1/sys/seal-status"] = `{"initialized": true, "sealed": true}`
	nomad["GET /v1/job/crumpet?namespace=crumpet--platform"] = `{"Meta": {"version": "2.0.0", "schema": "30"}}`
	var wrote []string
	_, err := open(t, nomad, consul, vault, &wrote, func(c *install.Config) { c.Schema = 20 }).Survey(t.Context())
	var said []string
	for _, f := range paas.FaultsOf(err) {
		said = append(said, f.Location+": "+f.Message)
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{"of type client", "Vault is sealed", "Node one lacks the driver exec", "jwt_auth_backend_path", `host volume "crumpet-programs"`, "Install 2.0.0 or newer"} {
		if !strings.Contains(text, want) {
			t.Errorf("no word of %q in\n%s", want, text)
		}
	}
	if len(said) != 4 {
		t.Errorf("%d faults, want 4", len(said))
	}
}

func TestWhoMayNotSeeThePlatformsSecretsMayStillUpgradeItsJobs(t *testing.T) {
	t.Parallel()
	nomad, consul, vault := cluster()
	vault["GET /v1/crumpet/data/platform/server"] = paas.Errorf(paas.Forbidden, "permission denied")
	var wrote []string
	if _, err := open(t, nomad, consul, vault, &wrote).Plan(t.Context()); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("a first install without a look at secrets: %v", err)
	}
	job := `{"Meta": {"version": "0.9.0"}}`
	nomad["GET /v1/job/crumpet?namespace=crumpet--platform"], nomad["GET /v1/job/fabio?namespace=crumpet--platform"] = job, job
	nomad["POST /v1/jobs/parse"] = `{}`
	nomad["POST /v1/job/fabio/plan?namespace=crumpet--platform"] = `{"Diff": {"Type": "None"}}`
	nomad["GET /v1/job/fabio/allocations?namespace=crumpet--platform"] = `[]`
	nomad["GET /v1/job/fabio/deployment?namespace=crumpet--platform"] = `{"Status": "successful"}`
	nomad["POST /v1/job/crumpet/plan?namespace=crumpet--platform"] = `{"Diff": {"Type": "Edited"}}`
	list, err := open(t, nomad, consul, vault, &wrote).Plan(t.Context())
	if diff := cmp.Diff([]install.Object{{Program: "nomad", Kind: "job", Name: "crumpet", Why: "runs 0.9.0, not 1.0.0"}}, list); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
}

func TestARouterThatNomadGaveUpIsStartedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		allocs string
		why    string
	}{
		"it runs":               {`[{"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "running"}]`, ""},
		"it failed":             {`[{"NodeName": "two", "DesiredStatus": "run", "ClientStatus": "running"}, {"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "failed"}]`, "has failed and was given up on one"},
		"its successor runs":    {`[{"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "failed"}, {"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "running"}]`, ""},
		"it is to run no more":  {`[{"NodeName": "one", "DesiredStatus": "stop", "ClientStatus": "failed"}]`, ""},
		"it failed on two":      {`[{"NodeName": "two", "DesiredStatus": "run", "ClientStatus": "failed"}, {"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "failed"}]`, "has failed and was given up on one, two"},
		"it failed there twice": {`[{"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "failed"}, {"NodeName": "one", "DesiredStatus": "run", "ClientStatus": "failed"}]`, "has failed and was given up on one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nomad, consul, vault := cluster()
			nomad["GET /v1/job/fabio?namespace=crumpet--platform"] = `{"Meta": {"version": "1.7.3"}}`
			nomad["POST /v1/jobs/parse"] = `{}`
			nomad["POST /v1/job/fabio/plan?namespace=crumpet--platform"] = `{"Diff": {"Type": "None"}}`
			nomad["GET /v1/job/fabio/allocations?namespace=crumpet--platform"] = tt.allocs
			nomad["GET /v1/job/fabio/deployment?namespace=crumpet--platform"] = `{"ID": "d", "Status": "successful"}`
			nomad["POST /v1/job/fabio/evaluate?namespace=crumpet--platform"] = `{"EvalID": "e"}`
			nomad["GET /v1/evaluation/e?namespace=crumpet--platform"] = `{"Status": "complete"}`
			var wrote []string
			i := open(t, nomad, consul, vault, &wrote)
			list, err := i.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			why := ""
			for _, o := range list {
				if o.Kind == "job" && o.Name == "fabio" {
					why = o.Why
				}
			}
			if why != tt.why {
				t.Errorf("the plan says %q, want %q", why, tt.why)
			}
			if why == "" {
				return
			}
			if err := i.WriteFabio(t.Context()); err != nil || !slices.Equal(wrote, []string{"POST /v1/job/fabio/evaluate?namespace=crumpet--platform"}) {
				t.Errorf("it wrote %v, %v", wrote, err)
			}
		})
	}
}

func TestADowngradePastAMigrationIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		had    string
		schema int64
		no     bool
	}{
		{"older than the store", "20", 19, true},
		{"as new as the store", "20", 20, false},
		{"newer", "20", 21, false},
		{"of unknown age", "20", 0, false},
		{"over one of unknown age", "", 19, false},
	} {
		if got := install.Downgrade("1.1.0", tt.had, "1.0.0", tt.schema); (got != "") != tt.no {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestWhyThereIsNoRoomIsASentence(t *testing.T) {
	t.Parallel()
	got := install.PlacementText(map[string]install.Placement{"crumpet": {
		NodesEvaluated: 3, ConstraintFiltered: map[string]int{"missing drivers": 1}, DimensionExhausted: map[string]int{"memory": 2},
	}})
	if want := `of 3 nodes 1 node lack "missing drivers", 2 nodes have no memory left`; got != want {
		t.Errorf("got %q", got)
	}
	if got := install.PlacementText(nil); got != "" {
		t.Errorf("no failure is %q", got)
	}
}
