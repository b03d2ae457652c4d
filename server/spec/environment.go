package spec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// file reads the one app block of a file.
func (d *decoder) file(body *hclsyntax.Body, o Options) paas.Spec {
	whole := body.MissingItemRange()
	c := d.read(place{}, body, fileSchema)
	d.declare(c.blocks["variable"], o)
	d.name(c.blocks["locals"])
	apps := c.blocks["app"]
	if len(apps) == 0 {
		if !d.partial && !d.broken["app"] {
			d.report(place{location: "app"}, whole, "App missing", "The file has no app block. Write app \"NAME\" { ... }.")
		}
		return paas.Spec{}
	}
	for _, extra := range apps[1:] {
		d.report(place{location: "app"}, extra.DefRange(), "Block repeated",
			fmt.Sprintf("A file holds one app, and the first is in line %d. Give each app a folder and a file of its own.", apps[0].DefRange().Start.Line))
	}
	s := d.app(apps[0])
	d.check(s, apps[0].DefRange())
	return s
}
