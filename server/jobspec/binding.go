package jobspec

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// bindingsDir has a folder for each binding, as servicebinding.io lays it out.
const bindingsDir = "secrets/bindings/"

// environments are the variables of bindings: the URL of each, and VCAP_SERVICES with all that want to be
// in it.
func environments(in Input, bound []paas.Binding) []*nomadapi.Template {
	var templates []*nomadapi.Template
	for _, b := range bound {
		if text := urlOf(b, `{{ toUnescapedJSON . }}`, `"`); b.Bind.As == paas.AsEnv && b.Bind.Env != "" && text != "" {
			templates = append(templates, environmentTemplate(bindingEnvironment+b.Name+".env", withBinding(in, b, b.Bind.Env+"="+text+"\n")))
		}
	}
	if text := vcapServices(in, bound); text != "" {
		templates = append(templates, environmentTemplate(vcapFile, text))
	}
	return templates
}

// bindingFiles are the entries of each binding, one file each. All templates of a task that read the same
// path share one lease, so the files and variables of a binding belong together.
func bindingFiles(in Input, bound []paas.Binding) []*nomadapi.Template {
	var templates []*nomadapi.Template
	for _, b := range bound {
		entries := map[string]string{
			"type": literally(b.Entries.Type), "provider": literally(b.Entries.Provider),
		}
		for name, fact := range b.Entries.Facts {
			entries[name] = literally(fact)
		}
		for _, name := range b.Entries.Keys {
			entries[name] = withBinding(in, b, key(b, name))
		}
		if text := urlOf(b, "", ""); text != "" {
			entries["uri"] = withBinding(in, b, text)
		}
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			if !entryName.MatchString(name) || entries[name] == "" {
				continue
			}
			t := &nomadapi.Template{
				EmbeddedTmpl: new(entries[name]), DestPath: new(bindingsDir + b.Name + "/" + name), Perms: new("0444"),
				ChangeMode: new(string(paas.ChangeNoop)),
			}
			if b.Bind.As == paas.AsFiles && b.Bind.Change == paas.ChangeSignal && strings.Contains(entries[name], "secret ") {
				t.ChangeMode, t.ChangeSignal = new(string(paas.ChangeSignal)), new(b.Bind.Signal)
			}
			templates = append(templates, t)
		}
	}
	return templates
}

// entryName is what a key of credentials must be called to be a file. Others are in VCAP_SERVICES only.
var entryName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$`)

func literally(text string) string {
	if text == "" {
		return ""
	}
	return verbatim(paas.Literal(text))
}

// withBinding is a template in which . is the secret that has a binding's credentials. The generation is
// part of the text where programs read variables, so that another one replaces them; files follow the
// team's Nomad variable, and change under the running program.
func withBinding(in Input, b paas.Binding, text string) string {
	ref := in.Release.Ref()
	at := func(generation string) string {
		return fmt.Sprintf("%s/data/%s?version=%s", in.Vault.KV, paas.BindingPath(ref, b.Name), generation)
	}
	if b.Kind == paas.KindPostgres {
		role, _ := strings.CutSuffix(b.CredentialsRole(0), "0")
		at = func(generation string) string { return in.Vault.Database + "/creds/" + role + generation }
	}
	if b.Bind.As == paas.AsFiles {
		return fmt.Sprintf(`{{ with nomadVar %q }}{{ with secret (printf %q (index . %q).Value) }}%s{{ end }}{{ end }}`,
			paas.GenerationsVariable, at("%s"), paas.GenerationItem(ref.App, b.Name), text)
	}
	return fmt.Sprintf(`{{ with secret %q }}%s{{ end }}`, at(fmt.Sprint(b.Generation)), text)
}

// key is one of a binding's credentials as it is.
func key(b paas.Binding, name string) string {
	if b.Kind == paas.KindPostgres {
		return fmt.Sprintf(`{{ with index .Data %q }}{{ . }}{{ end }}`, name)
	}
	return field(name)
}

// urlOf is the URL of a binding, "" for one that has none. That of a database is put together from letters
// that mean nothing to JSON, to a shell or to a template, and so needs only quotes around it; any other is
// a value of the KV engine, written as the action says.
func urlOf(b paas.Binding, action, quote string) string {
	switch {
	case b.Kind == paas.KindPostgres:
		return quote + postgresURL(b.Entries.Facts) + quote
	case b.Entries.URL == "":
		return ""
	}
	return fmt.Sprintf(`{{ with index .Data.data %q }}%s{{ end }}`, b.Entries.URL, cmp.Or(action, "{{ . }}"))
}

// urlPart is a value as a part of a URL: urlquery writes a space as +, and a + as %2B.
const urlPart = `{{ .Data.%s | urlquery | replaceAll "+" "%%20" }}`

func postgresURL(facts map[string]string) string {
	host := url.PathEscape(facts["host"])
	if strings.Contains(facts["host"], ":") {
		host = "[" + facts["host"] + "]" // an address of version 6
	}
	if port := facts["port"]; port != "" {
		host += ":" + url.PathEscape(port)
	}
	text := "postgres://" + fmt.Sprintf(urlPart+":"+urlPart, "username", "password") + "@" + host + "/" + url.PathEscape(facts["database"])
	if mode := facts["sslmode"]; mode != "" {
		text += "?sslmode=" + url.QueryEscape(mode)
	}
	return text
}
