package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/crumpet-paas/crumpet"

// level says which packages of this module, and which of the libraries that belong to one room only, a
// package may import. A package that no rule names may import nothing of ours.
//
//	0 domain     paas
//	1 pure       spec jobspec route wire fleet agents pki
//	2 adapters   nomad consul vault fabio broker postgres store blob hub leader ssh jwks relay sealed: each with its own client library
//	3 use cases  deploy watch build launch meter logs auth audit team why bootstrap install doctor backup: never another use case, adapters by interfaces they declare
//	4 edge       api client
//	5 root       server config cli main: everything; server never imports devstack
//	aside        devstack: nothing of levels 0-5
type rule struct {
	match string // a regular expression over the path below the module
	ours  string // what of the module it may import
	libs  string // which of the guarded libraries it may import
}

var rules = []rule{
	{`^server/paas$`, `^$`, `^$`},
	{`^server/(spec|jobspec|route|wire)$`, `^server/paas$`, `hcl|nomad/api`},
	{`^server/nomad$`, `^server/paas$`, `nomad/api`},
	{`^server/consul$`, `^server/paas$`, `consul/api`},
	{`^server/vault$`, `^(server/paas|policies)$`, `vault/api`},
	{`^server/postgres$`, `^server/paas$`, `jackc/pgx`},
	{`^server/(fabio|blob|hub|leader)$`, `^server/paas$`, `^$`},
	{`^server/broker$`, `^server/paas$`, `santhosh-tekuri/jsonschema`},
	{`^server/broker/brokertest$`, `^$`, `^$`},
	{`^server/store(/storetest|/pgtest)?$`, `^server/(paas|store)$`, `uptrace/bun|goose|sqlite|jackc/pgx`},
	{`^server/(deploy|watch)$`, `^server/(paas|spec|jobspec|route|wire)$`, `nomad/api`},
	{`^server/(build(/static|/detect)?|logs|auth|audit|cluster)$`, `^server/(paas|spec|jobspec|route|wire)$`, `^$`},
	{`^server/(service|secret|team)$`, `^server/paas$`, `^$`},
	{`^server/launch$`, `^(server/(paas|spec)|templates)$`, `^$`},
	{`^server/meter$`, `^server/paas$`, `^$`},
	{`^server/why$`, `^server/(paas|route)$`, `^$`},
	{`^server/api(/apitest)?$`, `^server/(paas|wire|spec|api)$`, `labstack/echo|danielgtaylor/huma`},
	{`^server/client$`, `^server/(paas|wire|spec)$`, `^$`},
	{`^server$`, `^(server/[a-z]+|ui)$`, `^$`},
	{`^server/config$`, `^server/paas$`, `hcl`},
	{`^cli$`, `^(server(/[a-z]+)?|server/build/(static|detect)|templates|policies|jobs)$`, `hcl`},
	{`^server/fleet$`, `^server/paas$`, `hcl`},
	{`^server/agents$`, `^server/(paas|fleet)$`, `hcl`},
	{`^server/pki$`, `^server/paas$`, `^$`},
	{`^server/(ssh|jwks|relay)$`, `^server/paas$`, `^$`},
	{`^server/sealed$`, `^server/paas$`, `filippo.io/age`},
	{`^server/bootstrap$`, `^(server/(paas|fleet|agents|pki)|policies|jobs)$`, `^$`},
	{`^server/install$`, `^(server/paas|policies|jobs)$`, `nomad/api`},
	{`^server/doctor$`, `^server/(paas|fleet)$`, `^$`},
	{`^server/backup$`, `^server/(paas|fleet)$`, `^$`},
	{`^server/retention$`, `^server/paas$`, `^$`},
	{`^$`, `^cli$`, `^$`},
	{`^ui$`, `^$`, `^$`},
	{`^(templates|policies|jobs|packer)$`, `^server/paas$`, `^$`},
	{`^integration(/[a-z]+)?$`, `^(integration/[a-z]+|server/(paas|wire|client|devstack|store/pgtest)(/[a-z]+)?)$`, `nomad/api|consul/api|vault/api`},
	{`^server/devstack/vault$`, `^$`, `vault/api|go-jose|hcl|jackc/pgx`},
	{`^server/devstack$`, `^server/devstack(/.*)?$`, `nomad/api|consul/api|vault/api|jackc/pgx`},
	{`^server/devstack(/.*)?$`, `^server/devstack(/.*)?$`, `nomad/api|consul/api|vault/api|consul-template|go-jose|hcl`},
}

// guarded are the libraries that belong to some rooms only. consulapi and vaultapi types never leave
// their adapters; Echo is imported in server/api and nowhere else.
var guarded = regexp.MustCompile(`nomad/api|consul/api|vault/api|labstack/echo|danielgtaylor/huma|uptrace/bun|goose|modernc.org/sqlite|jackc/pgx|hashicorp/hcl|consul-template|go-jose|santhosh-tekuri/jsonschema|filippo.io/age`)

type pkg struct {
	ImportPath, Dir, Doc, Name string
	Imports, GoFiles           []string
}

func TestPackagesImportOnlyWhatTheirLevelAllows(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		path := strings.Trim(strings.TrimPrefix(p.ImportPath, module), "/")
		i := slices.IndexFunc(rules, func(r rule) bool { return regexp.MustCompile(r.match).MatchString(path) })
		if i < 0 {
			t.Errorf("package %s has no rule: give it a level", path)
			continue
		}
		ours, libs := regexp.MustCompile(rules[i].ours), regexp.MustCompile(rules[i].libs)
		for _, imported := range p.Imports {
			inside, isOurs := strings.CutPrefix(imported, module+"/")
			switch {
			case isOurs && !ours.MatchString(inside):
				t.Errorf("%s must not import %s", path, inside)
			case isOurs && path == "server" && strings.HasPrefix(inside, "server/devstack"):
				t.Errorf("%s must not import %s: only cli and integration do", path, inside)
			case !isOurs && guarded.MatchString(imported) && !libs.MatchString(imported):
				t.Errorf("%s must not import %s", path, imported)
			case path == "server/paas" && strings.Contains(imported, "."):
				t.Errorf("the domain must not import %s: standard library only", imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		prefix := "Package " + p.Name + " "
		if p.Name == "main" {
			prefix = "Command "
		}
		if !strings.HasPrefix(p.Doc, prefix) {
			t.Errorf("%s: the package comment does not begin with %q", p.ImportPath, prefix)
		}
		if p.Name == "main" || slices.Contains(p.GoFiles, "embed.go") && len(p.GoFiles) == 1 {
			continue // a folder of files to embed says it in embed.go
		}
		text, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		if n := strings.Count(string(text), "\n"); n < 5 || n > 60 {
			t.Errorf("%s/doc.go has %d lines", p.ImportPath, n)
		}
	}
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Name,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
