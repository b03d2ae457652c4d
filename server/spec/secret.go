package spec

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// secretMode is that of a secret's file which says none: Nomad's agent owns it, and a program that runs as
// somebody else must be able to read it. No other program of the node sees the folder.
const secretMode = "0444"

// secret reads a key of the app's configuration that is to be a file.
func (d *decoder) secret(at place, b *hclsyntax.Block) paas.SecretFile {
	s := paas.SecretFile{Name: d.named(at, b), Mode: secretMode}
	c := d.read(at, b.Body, appSchema.blocks["secret"].body.named(s.Name))
	d.text(at.attr("file"), c.attrs["file"], &s.Path)
	d.text(at.attr("mode"), c.attrs["mode"], &s.Mode)
	return s
}

// volume reads what a process keeps.
func (d *decoder) volume(at place, b *hclsyntax.Block) paas.Volume {
	v := paas.Volume{Name: d.named(at, b)}
	c := d.read(at, b.Body, processSchema.blocks["volume"].body.named(v.Name))
	d.memory(at.attr("size"), c.attrs["size"], &v.Size)
	d.text(at.attr("mount"), c.attrs["mount"], &v.Mount)
	return v
}
