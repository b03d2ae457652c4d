package packer_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

var update = flag.Bool("update", false, "write files/units anew from server/agents")

// roles of the images, as machines of a fleet.
var roles = map[string]fleet.Machine{
	"server":     {Name: "any", Roles: []fleet.Role{fleet.Server}},
	"client":     {Name: "any", Roles: []fleet.Role{fleet.Client}},
	"all-in-one": {Name: "any", Roles: []fleet.Role{fleet.Server, fleet.Client}},
}

// services are those whose unit is the same on every machine of a role. That of `crumpet jwks` names the machine's
// address: only `cluster up` can write it.
func services(m fleet.Machine) []agents.Service {
	all := []agents.Service{agents.ConsulService(m), agents.NomadService(m)}
	if m.Is(fleet.Server) {
		all = append(all, agents.VaultService(m))
	}
	return all
}

func TestUnitsAreThoseThatClusterUpWrites(t *testing.T) {
	t.Parallel()
	for role, machine := range roles {
		var names []string
		for _, s := range services(machine) {
			name := filepath.Base(s.UnitFile())
			names = append(names, strings.TrimSuffix(name, ".service"))
			file := filepath.Join("files/units", role, name)
			if *update {
				write(t, file, s.Unit())
			}
			if diff := cmp.Diff(s.Unit(), read(t, file)); diff != "" {
				t.Errorf("%s is not what server/agents writes; `go test ./packer -update` writes it anew:\n%s", file, diff)
			}
		}
		if diff := cmp.Diff(names, words(t, role, "UNITS")); diff != "" {
			t.Errorf("UNITS of roles/%s:\n%s", role, diff)
		}
		there, err := os.ReadDir(filepath.Join("files/units", role))
		if err != nil {
			t.Fatal(err)
		}
		if len(there) != len(names) {
			t.Errorf("files/units/%s has %d files, and %d units are rendered", role, len(there), len(names))
		}
	}
}

// A unit whose folders are missing does not start, and systemd says so in words that no one understands at night.
func TestFoldersThatUnitsMayWriteAreMadeByTheImage(t *testing.T) {
	t.Parallel()
	made := read(t, "scripts/users")
	for role, machine := range roles {
		users := words(t, role, "USERS")
		for _, s := range services(machine) {
			if s.User != "" && !slices.Contains(users, s.User) {
				t.Errorf("USERS of roles/%s lacks %s, whom %s runs as", role, s.User, s.Name)
			}
			for _, folder := range s.Folders {
				if folder == agents.Data+"/"+s.Name && slices.Contains(users, s.Name) {
					continue // one for each user
				}
				if !strings.Contains(made, folder) {
					t.Errorf("scripts/users makes no %s, which %s of a %s writes", folder, s.Name, role)
				}
			}
		}
	}
}

func TestTemplatesParse(t *testing.T) {
	t.Parallel()
	for _, file := range append(glob(t, "*.pkr.hcl"), glob(t, "*.pkrvars.hcl")...) {
		if _, diagnostics := hclparse.NewParser().ParseHCLFile(file); diagnostics.HasErrors() {
			t.Error(diagnostics)
		}
	}
	// Debian's Packer 1.6.6 takes no required_plugins: they must not stand in a file that it reads.
	text := read(t, "plugins.pkr.hcl.optional")
	if _, diagnostics := hclparse.NewParser().ParseHCL([]byte(text), "plugins.pkr.hcl"); diagnostics.HasErrors() {
		t.Error(diagnostics)
	}
	for _, m := range regexp.MustCompile(`(?m)^ *version = "(.*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "= ") {
			t.Errorf("the version %q of a plugin is not pinned", m[1])
		}
	}
	for _, file := range glob(t, "*.pkr.hcl") {
		if strings.Contains(read(t, file), "required_plugins") {
			t.Errorf("%s holds required_plugins", file)
		}
	}
}

func TestEveryRoleIsAnImageOfBothBuilders(t *testing.T) {
	t.Parallel()
	found := map[string][]string{}
	for _, m := range regexp.MustCompile(`source "source\.(\w+)\.node" \{\s+name += "(.*)"`).FindAllStringSubmatch(read(t, "nodes.pkr.hcl"), -1) {
		found[m[2]] = append(found[m[2]], m[1])
	}
	want := map[string][]string{}
	for role := range roles {
		want[role] = []string{"qemu", "docker"}
		if len(words(t, role, "PROGRAMS")) == 0 {
			t.Errorf("roles/%s has no programs", role)
		}
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

func TestScriptsThatTemplatesNameAreThereAndRun(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{path\.root\}/(scripts/\w+)`).FindAllStringSubmatch(read(t, "nodes.pkr.hcl"), -1) {
		named[m[1]] = true
	}
	if len(named) < 8 {
		t.Errorf("only %d scripts are named", len(named))
	}
	for name := range named {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode()&0o111 == 0 {
			t.Errorf("%s may not be run", name)
		}
	}
	for _, file := range glob(t, "scripts/*") {
		text := read(t, file)
		if !strings.HasPrefix(text, "#!/bin/sh\n") || !regexp.MustCompile(`(?m)^set -e?u$`).MatchString(text) {
			t.Errorf("%s does not begin with #!/bin/sh and set -eu", file)
		}
		if !named[file] && file != "scripts/check" {
			t.Errorf("no template runs %s", file)
		}
	}
}

func TestScriptsHoldNoFaultThatShellcheckKnows(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is missing: scripts are not looked through")
	}
	files := slices.Concat(glob(t, "scripts/*"), glob(t, "checks/*"), glob(t, "roles/*"), []string{"root", "image"})
	if out, err := exec.Command("shellcheck", files...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNothingIsFetchedFromAPlaceThatTheOperatorDidNotName(t *testing.T) {
	t.Parallel()
	address := regexp.MustCompile(`https?://([a-z0-9.-]+)`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		for _, m := range address.FindAllStringSubmatch(read(t, path), -1) {
			if !strings.HasSuffix(m[1], ".example.com") {
				t.Errorf("%s holds the address %s", path, m[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"programs", "date", "commit"} {
		if variable(t, name).Attributes["default"] != nil {
			t.Errorf("variable %q has a default", name)
		}
	}
}

func variable(t *testing.T, name string) *hclsyntax.Body {
	t.Helper()
	file, diagnostics := hclparse.NewParser().ParseHCLFile("variables.pkr.hcl")
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("the body is %T", file.Body)
	}
	for _, b := range body.Blocks {
		if b.Type == "variable" && b.Labels[0] == name {
			return b.Body
		}
	}
	t.Fatalf("there is no variable %q", name)
	return nil
}

func TestTheExampleNamesEveryProgramPinnedAndSigned(t *testing.T) {
	t.Parallel()
	file, diagnostics := hclparse.NewParser().ParseHCLFile("example.pkrvars.hcl")
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	attributes, diagnostics := file.Body.JustAttributes()
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	programs, diagnostics := attributes["programs"].Expr.Value(&hcl.EvalContext{})
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	all := programs.AsValueMap()
	for _, name := range words(t, "all-in-one", "PROGRAMS") {
		if _, ok := all[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	for name, program := range all {
		fields := program.AsValueMap()
		if v := fields["version"].AsString(); !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(v) {
			t.Errorf("version %q of %s is not pinned", v, name)
		}
		if fields["sums"].AsString() == "" || fields["key"].AsString() == "" {
			t.Errorf("%s is not signed", name)
		}
	}
}

// words reads a list out of a role's file.
func words(t *testing.T, role, name string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `="(.*)"$`).FindStringSubmatch(read(t, filepath.Join("roles", role)))
	if m == nil {
		t.Fatalf("roles/%s says nothing of %s", role, name)
	}
	return strings.Fields(m[1])
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }
