package jobspec

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Where a task finds what is secret: a folder in memory that no other task sees.
const (
	secretsDir         = "secrets/"
	configFile         = "secrets/crumpet/config.env"
	secretsFolder      = "${NOMAD_SECRETS_DIR}/"     // secretsDir as the task sees it
	bindingEnvironment = "secrets/crumpet/bindings/" // + NAME.env
)

// vaultIdentity is the name by which Nomad finds the identity that it logs in to Vault with; its life is
// renewed by Nomad, so it only bounds for how long a copy would be of use.
const (
	vaultIdentity    = "vault_default"
	vaultIdentityTTL = time.Hour
)

// withSecrets gives a task what its release and its app's bindings have in Vault; a task of a release with
// neither stays as it is, byte by byte.
//
// Nomad reads environment files in their order, so that a later one wins: bindings come first and the app's
// configuration, what somebody set by hand, last. Nomad never restarts a task for them: a restart would be
// of all instances at once. It is a walk that brings new variables, and a signal that tells of new files.
func withSecrets(in Input, p paas.Program, t *nomadapi.Task) *nomadapi.Task {
	bound := Bound(in.Release.Spec, in.Bindings)
	if !UsesVault(in.Release, in.Bindings) {
		return t
	}
	t.Vault = &nomadapi.Vault{
		Role:        paas.VaultRole(in.Release.Ref()),
		ChangeMode:  new("noop"),
		DisableFile: new(true), // the program gets no token of its own
		Env:         new(false),
	}
	t.Identities = []*nomadapi.WorkloadIdentity{{
		Name: vaultIdentity, Audience: []string{in.Vault.Audience}, TTL: vaultIdentityTTL, ChangeMode: "noop",
	}}
	templates := environments(in, bound)
	templates = append(templates, t.Templates...)
	templates = append(templates, bindingFiles(in, bound)...)
	if len(bound) > 0 {
		t.Env[paas.BindingRootVariable] = secretsFolder + "bindings"
		vcapApplication(in, bound, t.Env)
	}
	if in.Release.Config > 0 {
		for _, f := range in.Release.Spec.Secrets {
			t.Env[f.FileVariable()] = secretsFolder + f.Path
			templates = append(templates, secretFile(in, p, f))
		}
		templates = append(templates, configuration(in))
	}
	if pinned(p, bound) {
		renderOnce(templates)
	}
	t.Templates = templates
	return t
}

// renderOnce has Nomad render templates and then forget them. With consul-template before 0.42 it knows them
// by their text, and of two with one text would write the first only: each gets its own by a comment.
func renderOnce(templates []*nomadapi.Template) {
	seen := map[string]bool{}
	for i, tmpl := range templates {
		if seen[*tmpl.EmbeddedTmpl] {
			tmpl.EmbeddedTmpl = new(fmt.Sprintf("%s{{/* %d */}}", *tmpl.EmbeddedTmpl, i))
		}
		seen[*tmpl.EmbeddedTmpl] = true
		tmpl.Once = new(true)
	}
}

// pinned says that nothing a task's templates show changes while the task lives, so that Nomad need not
// watch it: Vault may then be away for as long as it likes. All templates of a task must agree. A lease of
// the database engine is renewed by watching it.
func pinned(p paas.Program, bound []paas.Binding) bool {
	for _, b := range bound {
		if b.Bind.As == paas.AsFiles || b.Kind == paas.KindPostgres {
			return false
		}
	}
	for _, f := range p.Files {
		if f.Template != "" {
			return false
		}
	}
	fields, _ := tree(p.NomadTask).(map[string]any)
	return fields["Templates"] == nil
}

// environmentTemplate is a file of variables that the program does not see as a file.
func environmentTemplate(dest, text string) *nomadapi.Template {
	return &nomadapi.Template{
		EmbeddedTmpl: new(text), DestPath: new(dest), Envvars: new(true), Perms: new("0400"), ChangeMode: new(string(paas.ChangeNoop)),
	}
}

// configuration has the keys of the pinned version as variables, but those that are files. JSON's quotes and
// escapes are those that Nomad reads in such a file; what JSON leaves alone without escaping for HTML, it
// leaves alone too.
func configuration(in Input) *nomadapi.Template {
	var names []string
	for _, f := range in.Release.Spec.Secrets {
		names = append(names, strconv.Quote(f.Name))
	}
	line := "{{ $name }}={{ toUnescapedJSON $value }}\n"
	if len(names) > 0 {
		line = "{{ if not (eq $name " + strings.Join(names, " ") + ") }}" + line + "{{ end }}"
	}
	return environmentTemplate(configFile, withConfig(in, "{{ range $name, $value := .Data.data }}"+line+"{{ end }}"))
}

// withConfig is a template in which .Data.data is the pinned version of the app's configuration.
func withConfig(in Input, text string) string {
	return fmt.Sprintf(`{{ with secret "%s/data/%s?version=%d" }}%s{{ end }}`, in.Vault.KV, paas.ConfigPath(in.Release.Ref()), in.Release.Config, text)
}

// secretFile is a key of the configuration as a file. The agent of Nomad owns what it writes, and runs
// programs as somebody else under the exec driver: a file that only its owner may read is made theirs.
func secretFile(in Input, p paas.Program, f paas.SecretFile) *nomadapi.Template {
	t := &nomadapi.Template{
		EmbeddedTmpl: new(withConfig(in, field(f.Name))),
		DestPath:     new(path.Join(secretsDir, f.Path)),
		Perms:        new(f.Mode),
		ChangeMode:   new(string(paas.ChangeNoop)),
	}
	if id, known := paas.UserNumber(p.User); in.Driver == driverExec && known && !open(f.Mode) {
		t.Uid = new(id)
	}
	return t
}

// driverExec is the one driver that runs programs as another user than its agent.
const driverExec = "exec"

// open says that everybody may read a file with the mode.
func open(mode string) bool { return mode != "" && (mode[len(mode)-1]-'0')&4 != 0 }

// field is an action that gives a value of the KV engine as it is, and nothing for one that is not there.
func field(name string) string {
	return fmt.Sprintf(`{{ with index .Data.data %q }}{{ . }}{{ end }}`, name)
}
