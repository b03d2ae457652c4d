package jobspec

import (
	"regexp"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// rolePrefix begins the roles that Crumpet makes in Vault.
var rolePrefix, _, _ = strings.Cut(paas.VaultRole(paas.AppRef{}), "--")

// secrets are what the app's configuration, its secret and its service blocks decide, which is the same in
// every task: the version of the configuration, the files of its secrets, and the credentials of services
// with their generation.
func (f *facets) secrets(job *nomadapi.Job) {
	for _, g := range job.TaskGroups {
		for _, t := range g.Tasks {
			for _, tmpl := range t.Templates {
				if !secretTemplate(tmpl) {
					continue
				}
				text := show(watched(tmpl))
				switch dest := *tmpl.DestPath; {
				case dest == configFile:
					f.add("config", versions.FindString(text))
					f.follow("secret", text)
				case dest == vcapFile:
					f.follow("service", text)
				case strings.HasPrefix(dest, bindingEnvironment):
					f.add("service."+strings.TrimSuffix(strings.TrimPrefix(dest, bindingEnvironment), ".env"), text)
				case strings.HasPrefix(dest, bindingsDir):
					name, _, _ := strings.Cut(strings.TrimPrefix(dest, bindingsDir), "/")
					f.add("service."+name, text)
				default:
					if m := fieldName.FindStringSubmatch(*tmpl.EmbeddedTmpl); m != nil {
						f.add("secret."+m[1], versions.ReplaceAllString(text, ""))
					}
				}
			}
		}
	}
}

var (
	versions  = regexp.MustCompile(`\?version=[0-9]+`)
	fieldName = regexp.MustCompile(`index \.Data\.data "([A-Za-z0-9_]+)"`)
)

// secretTemplate says that a template is one of withSecrets.
func secretTemplate(tmpl *nomadapi.Template) bool {
	if tmpl.DestPath == nil || tmpl.EmbeddedTmpl == nil || *tmpl.DestPath == environmentFile {
		return false
	}
	dest := *tmpl.DestPath
	return strings.HasPrefix(dest, "secrets/crumpet/") || strings.HasPrefix(dest, bindingsDir) ||
		strings.HasPrefix(dest, secretsDir) && fieldName.MatchString(*tmpl.EmbeddedTmpl)
}

// watched is a template without whether it is watched, which follows from those beside it.
func watched(tmpl *nomadapi.Template) *nomadapi.Template {
	plain := *tmpl
	if plain.Once != nil && plain.EmbeddedTmpl != nil {
		plain.EmbeddedTmpl = new(ownText.ReplaceAllString(*plain.EmbeddedTmpl, ""))
	}
	plain.Once = nil
	return &plain
}

// ownText is what renderOnce adds.
var ownText = regexp.MustCompile(`\{\{/\* [0-9]+ \*/\}\}$`)

// ofSecrets says that a variable tells where secrets are, or which app this is to programs from Cloud
// Foundry.
func ofSecrets(name, value string) bool {
	return name == paas.BindingRootVariable || name == paas.VCAPApplicationVariable ||
		strings.HasSuffix(name, "_FILE") && strings.HasPrefix(value, secretsFolder)
}
