package fleet

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Answers are what a new cluster.hcl is written with.
type Answers struct {
	Name     string
	Domain   string
	Init     Init
	Machines []Machine // name, address and roles
	Keepers  []Keeper
	Programs []Program // name, version and source; those that are missing get an example
}

//go:embed template.hcl
var templateText string

var templated = template.Must(template.New(FileName).Funcs(template.FuncMap{
	"quote": func(text any) string { return string(hclwrite.TokensForValue(cty.StringVal(fmt.Sprint(text))).Bytes()) },
	"roles": func(roles []Role) string {
		var words []string
		for _, r := range roles {
			words = append(words, fmt.Sprintf("%q", string(r)))
		}
		return "[" + strings.Join(words, ", ") + "]"
	},
}).Parse(templateText))

// examples are what programs a new file names where nothing is said: files in a folder beside it.
var examples = []Program{
	{Name: Consul, Command: "consul", Version: "1.21.0", Source: "programs/consul_1.21.0_linux_amd64.zip"},
	{Name: Nomad, Command: "nomad", Version: "1.10.0", Source: "programs/nomad_1.10.0_linux_amd64.zip"},
	{Name: Vault, Command: "bao", Version: "2.2.0", Source: "programs/bao_2.2.0_linux_amd64.tar.gz"},
	{Name: Fabio, Command: "fabio", Version: "1.7.3", Source: "programs/fabio-1.7.3-linux_amd64"},
}

// Template writes a cluster.hcl with comments, as `crumpet cluster init` gives it.
func Template(a Answers) string {
	given := map[Name]Program{}
	for _, p := range a.Programs {
		given[p.Name] = p
	}
	var programs []Program
	for _, p := range examples {
		if g, ok := given[p.Name]; ok {
			p.Version, p.Source = g.Version, g.Source
			if g.Command != "" {
				p.Command = g.Command
			}
		}
		programs = append(programs, p)
	}
	if g, ok := given[Crumpet]; ok {
		g.Command = string(Crumpet)
		programs = append(programs, g)
	}
	a.Programs = programs
	var text strings.Builder
	if err := templated.Execute(&text, a); err != nil {
		return "" // the template is ours, and tested
	}
	return string(hclwrite.Format([]byte(text.String())))
}
