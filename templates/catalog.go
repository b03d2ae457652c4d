package templates

import "github.com/crumpet-paas/crumpet/server/paas"

// about says of each template what it is, and what of services it makes an instance of. A test holds the latter to
// the specs.
var about = map[string]paas.Template{
	GoWeb: {
		Title:       "Web app in Go",
		Description: "A page and a worker in Go, with a health check and its own tests. Nothing but the standard library.",
		Needs:       []string{},
	},
	"guestbook": {
		Title:       "Guestbook with a database",
		Description: "A page in Go that keeps entries in a PostgreSQL database of its own. Each instance has credentials that end with it.",
		Needs:       []string{"postgres"},
	},
	"static-site": {
		Title:       "Static site",
		Description: "A folder of files, served as they are. There is nothing to build.",
		Needs:       []string{},
	},
}

// All lists the templates by name.
func All() []paas.Template {
	var list []paas.Template
	for _, name := range Names() {
		t := about[name]
		t.Name = name
		t.Commands = []string{"crumpet init --template " + name + " NAME", "cd NAME", "crumpet push"}
		list = append(list, t)
	}
	return list
}
