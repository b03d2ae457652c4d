package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Templates are the apps to begin with, by name.
type Templates struct {
	Items []paas.Template `json:"items"`
	Next  string          `json:"next"` // always "": there is one page
}

// CreateFromTemplate asks for a new app.
type CreateFromTemplate struct {
	App      string `json:"app" doc:"The name of the new app."`
	Template string `json:"template" doc:"The name of a template."`
}
