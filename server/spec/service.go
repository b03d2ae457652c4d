package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// services reads the service blocks of an app. Its name is that of the environment as well, so that each
// environment has instances of its own.
func (d *decoder) services(root place, blocks []*hclsyntax.Block, app string) []paas.ServiceUse {
	var list []paas.ServiceUse
	said := map[int]bool{} // those that say which variable has the URL
	for i, b := range blocks {
		at := root.block("service", i, label(b))
		u := d.service(at, b, app)
		url := at.attr("bind").attr("env").key()
		d.broken[url] = d.broken[url] || paas.CheckName("service", u.Name, paas.MaxProcess) != "" // what follows from it is no better
		said[i] = u.Bind.Env != "" || d.broken[url]
		list = append(list, u)
	}
	for i, name := range urlVariables(list, said) {
		list[i].Bind.Env = name
	}
	return list
}

func (d *decoder) service(at place, b *hclsyntax.Block, app string) paas.ServiceUse {
	u := paas.ServiceUse{Name: d.named(at, b)}
	u.Instance = app + "-" + u.Name
	c := d.read(at, b.Body, serviceSchema.named(u.Name))
	d.text(at.attr("offering"), c.attrs["offering"], &u.Offering)
	d.text(at.attr("plan"), c.attrs["plan"], &u.Plan)
	d.text(at.attr("instance"), c.attrs["instance"], &u.Instance)
	if v, ok := d.constant(at.attr("parameters"), c.attrs["parameters"]); ok {
		if v.Type().IsObjectType() || v.Type().IsMapType() {
			u.Parameters = canonical(plain(v))
		} else {
			d.fault(at.attr("parameters"), c.attrs["parameters"].Expr.Range(), "Map expected", "The parameters of a service are a map, and not %s. Write parameters = { version = 16 }.", kindOf(v))
		}
	}
	if d.broken[at.attr("offering").key()] { // whether an instance can be made is not known
		d.broken[at.attr("plan").key()], d.broken[at.attr("parameters").key()] = true, true
	}
	u.Bind = d.credentials(at.attr("bind"), c.one("bind"))
	return u
}

func (d *decoder) credentials(at place, b *hclsyntax.Block) paas.Bind {
	bind := paas.Bind{As: paas.AsEnv}
	if b == nil {
		return bind
	}
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, *serviceSchema.blocks["bind"].body)
	word(d, at.attr("as"), c.attrs["as"], &bind.As, "way of a binding", ways)
	if d.text(at.attr("env"), c.attrs["env"], &bind.Env) && bind.Env == "" {
		d.fault(at.attr("env"), c.attrs["env"].Expr.Range(), "Bad name", "%s", paas.CheckVariable(bind.Env))
	}
	d.truth(at.attr("vcap"), c.attrs["vcap"], &bind.VCAP)
	d.text(at.attr("signal"), c.attrs["signal"], &bind.Signal)
	switch {
	case bind.Signal != "":
		bind.Change = paas.ChangeSignal
	case bind.As == paas.AsFiles:
		bind.Change = paas.ChangeNoop
	}
	word(d, at.attr("change"), c.attrs["change"], &bind.Change, "change of a binding", changes)
	if d.broken[at.attr("as").key()] { // which of the others fit is not known
		for _, name := range []string{"env", "vcap", "change", "signal"} {
			d.broken[at.attr(name).key()] = true
		}
	}
	change, signal := at.attr("change").key(), at.attr("signal").key()
	d.broken[change], d.broken[signal] = d.broken[change] || d.broken[signal], d.broken[change] || d.broken[signal]
	return bind
}

var ways = []paas.BindAs{paas.AsEnv, paas.AsFiles}

// databaseURL is the variable in which most programs look for their database.
const databaseURL = "DATABASE_URL"

// urlVariables gives, by index, the variables of those services that have one and do not say which: the
// first that looks like the app's database gets DATABASE_URL, if nobody else has it.
func urlVariables(list []paas.ServiceUse, said map[int]bool) map[int]string {
	names, taken := map[int]string{}, false
	for i, u := range list {
		taken = taken || said[i] && u.Bind.Env == databaseURL
	}
	for i, u := range list {
		if said[i] || u.Bind.As != paas.AsEnv {
			continue
		}
		names[i] = strings.ToUpper(strings.ReplaceAll(u.Name, "-", "_")) + "_URL"
		if names[i] == databaseURL || !taken && (u.Name == "db" || u.Name == "postgres" || u.Offering == "postgres") {
			names[i], taken = databaseURL, true
		}
	}
	return names
}
