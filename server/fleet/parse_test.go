package fleet_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

var update = flag.Bool("update", false, "rewrite what testdata expects")

// text shows what Parse made of a source: warnings and the fleet's JSON, or every fault.
func text(src string) string {
	f, warnings, err := fleet.Parse("cluster.hcl", []byte(src))
	var b strings.Builder
	if err != nil {
		fmt.Fprintf(&b, "%s %s\n", paas.CodeOf(err), paas.MessageOf(err))
		for _, fault := range paas.FaultsOf(err) {
			fmt.Fprintf(&b, "%s: %s\n", fault.Location, fault.Message)
		}
		return b.String()
	}
	for _, w := range warnings {
		fmt.Fprintf(&b, "warning %s: %s\n", w.Location, w.Message)
	}
	out, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err.Error()
	}
	return b.String() + string(out) + "\n"
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.hcltest")
	if err != nil || len(files) < 9 {
		t.Fatalf("found %d goldens: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, found := strings.Cut(string(golden), "----\n")
			if !found {
				t.Fatal("no line ----")
			}
			got := text(src)
			if *update {
				if err := os.WriteFile(file, []byte(src+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("run with -update and review the difference:\n%s", diff)
			}
			if strings.Contains(got, "s.secret") || strings.Contains(got, "SECRET-KEY") {
				t.Error("a secret is shown")
			}
		})
	}
}

func answers() fleet.Answers {
	return fleet.Answers{
		Name: "prod", Domain: "apps.example.com", Init: fleet.Systemd,
		Machines: []fleet.Machine{
			{Name: "server-1", Address: "10.77.0.11", Roles: []fleet.Role{fleet.Server, fleet.Client}},
			{Name: "client-1", Address: "10.77.0.21", Roles: []fleet.Role{fleet.Client}},
		},
		Keepers: []fleet.Keeper{{Name: "ada", PublicKey: `ssh-ed25519 AAAA "ada" ${HOME}`}},
		Programs: []fleet.Program{
			{Name: fleet.Vault, Command: "vault", Version: "1.20.0", Source: "https://example.com/vault.zip"},
			{Name: fleet.Crumpet, Version: "0.7.0", Source: "crumpet"},
		},
	}
}

func TestTheTemplateHoldsItsAnswersAndEveryDefault(t *testing.T) {
	t.Parallel()
	a := answers()
	src := fleet.Template(a)
	a.Programs[0].Source = "" // a URL needs a digest: what init says
	f, _, err := fleet.Parse("cluster.hcl", []byte(strings.Replace(src, `"https://example.com/vault.zip"`, `"vault.zip"`, 1)))
	if err != nil {
		t.Fatalf("%v\n%v\n%s", err, paas.FaultsOf(err), src)
	}
	if f.Name != "prod" || f.Domain != "apps.example.com" || f.Init != fleet.Systemd || len(f.Machines) != 2 || !f.Machines[1].Is(fleet.Server) {
		t.Errorf("%+v", f)
	}
	if f.Keepers[0] != a.Keepers[0] {
		t.Errorf("%+v", f.Keepers)
	}
	if p := f.Program(fleet.Vault); p.Version != "1.20.0" || p.Command != "vault" {
		t.Errorf("%+v", p)
	}
	if p := f.Program(fleet.Crumpet); p.Version != "0.7.0" {
		t.Errorf("%+v", p)
	}
	// What is written out is what would be taken without it.
	cut := src
	for _, block := range []string{"ssh {", "ports {", "clients {", "seal \"shares\" {"} {
		before, rest, found := strings.Cut(cut, "\n"+block)
		_, after, closed := strings.Cut(rest, "\n}\n")
		if !found || !closed {
			t.Fatalf("the template has no block %s", block)
		}
		cut = before + "\n" + after
	}
	less, _, err := fleet.Parse("cluster.hcl", []byte(strings.Replace(cut, `"https://example.com/vault.zip"`, `"vault.zip"`, 1)))
	if diff := cmp.Diff(f, less); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestATemplateWithoutAnswersNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, _, err := fleet.Parse("cluster.hcl", []byte(fleet.Template(fleet.Answers{Name: "prod", Domain: "example.com", Init: fleet.Systemd})))
	var said []string
	for _, fault := range paas.FaultsOf(err) {
		said = append(said, fault.Message[:strings.IndexAny(fault.Message, ":.")])
	}
	want := []string{`No machine has the role "server"`, `No machine has the role "client"`, "There is no keeper"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestFilesAreNamedFromTheFolderOfTheFile(t *testing.T) {
	t.Parallel()
	f := fleet.Fleet{
		SSH:      fleet.SSH{KeyFile: "~/.ssh/id", KnownHosts: "/etc/known_hosts"},
		Store:    fleet.Store{URLFile: "store.url"},
		Programs: []fleet.Program{{Source: "../programs", Sums: "https://example.com/SUMS"}},
	}
	got := f.In("/srv/prod", "/home/ada")
	want := fleet.Fleet{
		SSH:      fleet.SSH{KeyFile: "/home/ada/.ssh/id", KnownHosts: "/etc/known_hosts"},
		Store:    fleet.Store{URLFile: "/srv/prod/store.url"},
		Programs: []fleet.Program{{Source: "/srv/programs", Sums: "https://example.com/SUMS"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f.Programs[0].Source != "../programs" {
		t.Error("the fleet itself was changed")
	}
}

func TestAFleetMadeInCodeIsCheckedToo(t *testing.T) {
	t.Parallel()
	err := fleet.Fleet{Name: "prod"}.Validate()
	if paas.CodeOf(err) != paas.Invalid || len(paas.FaultsOf(err)) < 5 {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fleet.Template(answers()))
	f.Fuzz(func(t *testing.T, src string) {
		fl, _, err := fleet.Parse("cluster.hcl", []byte(src))
		if err == nil && fl.Validate() != nil {
			t.Errorf("parsed, and not valid: %v", fl.Validate())
		}
	})
}
