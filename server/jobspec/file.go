package jobspec

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// files are templates that Nomad renders into the artifact's folder, over what the artifact has
// there. Never with Nomad's default change mode, which restarts every instance at once.
func files(list []paas.ConfigFile) []*nomadapi.Template {
	var templates []*nomadapi.Template
	for _, f := range list {
		text := f.Template
		if text == "" {
			text = verbatim(f.Content)
		}
		t := &nomadapi.Template{
			DestPath:     new(path.Join(artifactDir, f.Path)),
			EmbeddedTmpl: new(text),
			ChangeMode:   new(string(paas.ChangeNoop)),
		}
		if f.Mode != "" {
			t.Perms = new(f.Mode)
		}
		if f.Change == paas.ChangeSignal {
			t.ChangeMode, t.ChangeSignal = new(string(paas.ChangeSignal)), new(f.Signal)
		}
		templates = append(templates, t)
	}
	return templates
}

// braces are what could open an action of a template: with a part of the text, or with the action
// that follows it.
var braces = regexp.MustCompile(`\{\{+|\{$`)

// verbatim is a template that renders to exactly a value. Nomad looks for no ${ in a template.
func verbatim(v paas.Value) string {
	var b strings.Builder
	for _, part := range joined(v) {
		if part.Ref != nil {
			b.WriteString(looked(*part.Ref))
			continue
		}
		b.WriteString(braces.ReplaceAllStringFunc(part.Text, func(s string) string { return `{{"` + s + `"}}` }))
	}
	if b.Len() == 0 {
		return `{{""}}` // Nomad refuses a template without text
	}
	return b.String()
}

// looked is a reference as a template has it.
func looked(r paas.Ref) string { return fmt.Sprintf(`{{env "%s"}}`, variable(r, underscored)) }
