package jobspec

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Vault says where the programs of apps find their secrets.
type Vault struct {
	KV       string // mount of the KV engine
	Database string // mount of the database engine
	Audience string // of the identities that Vault takes
}

// Bound gives the bindings that the jobs of a spec are rendered with, by name: those that it declares and
// those made by hand, as far as they can be read. Bind is as the spec has it where it says.
func Bound(s paas.Spec, bindings []paas.Binding) []paas.Binding {
	var bound []paas.Binding
	for _, b := range bindings {
		i := slices.IndexFunc(s.Services, func(u paas.ServiceUse) bool { return u.Name == b.Name })
		if !b.Usable() || b.Declared && i < 0 {
			continue
		}
		if i >= 0 {
			b.Bind = s.Services[i].Bind
		}
		bound = append(bound, b)
	}
	slices.SortFunc(bound, func(a, b paas.Binding) int { return cmp.Compare(a.Name, b.Name) })
	return bound
}

// UsesVault says whether the programs of a release read anything in Vault. The jobs of one that does not
// have nothing of Vault in them.
func UsesVault(rel paas.Release, bindings []paas.Binding) bool {
	return rel.Config > 0 || len(Bound(rel.Spec, bindings)) > 0
}

// Follows gives what the team's Nomad variable must hold for the jobs of the spec: the generation of each
// binding that its programs take as files, by paas.GenerationItem. Nil for jobs that read none.
func Follows(s paas.Spec, bindings []paas.Binding) map[string]string {
	var items map[string]string
	for _, b := range Bound(s, bindings) {
		if b.Bind.As != paas.AsFiles {
			continue
		}
		if items == nil {
			items = map[string]string{}
		}
		items[paas.GenerationItem(b.App, b.Name)] = strconv.Itoa(b.Generation)
	}
	return items
}

// Reads gives the generations of bindings that a stored job names, by the binding's name: those stay in
// use for as long as it stands. A binding that it follows by the team's variable is there with none.
func Reads(text []byte) (map[string][]int, error) {
	job, err := Decode(text)
	if err != nil {
		return nil, err
	}
	reads := map[string][]int{}
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			for _, tmpl := range t.Templates {
				if tmpl.EmbeddedTmpl == nil {
					continue
				}
				for _, m := range generations.FindAllStringSubmatch(*tmpl.EmbeddedTmpl, -1) {
					name := cmp.Or(m[1], m[3], m[5])
					reads[name] = append(reads[name], numbers(m[2]+m[4])...)
				}
			}
		}
	}
	for name, some := range reads {
		slices.Sort(some)
		reads[name] = slices.Compact(some)
	}
	return reads, nil
}

// generations finds the reads of bindings' credentials in a template: the database engine's and the KV
// engine's by number, and those by the team's variable.
var generations = regexp.MustCompile(`secret "[^"]*/creds/crumpet-[a-z0-9-]+?--[a-z0-9-]+?--([a-z0-9-]+?)--([0-9]+)"` +
	`|secret "[^"]*/data/apps/[a-z0-9-]+/[a-z0-9-]+/bindings/([a-z0-9-]+)\?version=([0-9]+)"` +
	`|\(index \. "[a-z0-9-]+?--([a-z0-9-]+)"\)\.Value`)

func numbers(text string) []int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return []int{n}
}
