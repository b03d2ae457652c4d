package spec

import (
	"strconv"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func (b *printed) secrets(list []paas.SecretFile) {
	for _, s := range list {
		inner := b.block("secret", s.Name)
		inner.key("file", quote(s.Path, false))
		inner.text("mode", s.Mode, secretMode)
	}
}

func (b *printed) services(s paas.Spec) {
	said := explicit(s.Services)
	for i, u := range s.Services {
		inner := b.block("service", u.Name)
		inner.text("offering", u.Offering, "")
		inner.text("plan", u.Plan, "")
		inner.text("instance", u.Instance, s.App+"-"+u.Name)
		inner.fragment("parameters", u.Parameters)
		inner.some("bind", func(b *printed) {
			b.text("as", string(u.Bind.As), string(paas.AsEnv))
			if said[i] {
				b.text("env", u.Bind.Env, "")
			}
			b.truth("vcap", u.Bind.VCAP, false)
			if u.Bind.Signal == "" && u.Bind.As == paas.AsFiles {
				b.text("change", string(u.Bind.Change), string(paas.ChangeNoop))
			}
			b.text("signal", u.Bind.Signal, "")
		})
	}
}

// explicit gives the services that must say which variable has their URL, as another would be chosen.
func explicit(list []paas.ServiceUse) map[int]bool {
	said := map[int]bool{}
	for range list {
		names, wrong := urlVariables(list, said), -1
		for i := range list {
			if name, chosen := names[i]; chosen && name != list[i].Bind.Env {
				wrong = i
				break
			}
		}
		if wrong < 0 {
			break
		}
		said[wrong] = true
	}
	return said
}

func (b *printed) volumes(list []paas.Volume) {
	for _, v := range list {
		inner := b.block("volume", v.Name)
		inner.key("size", strconv.Quote(strconv.Itoa(v.Size)+"MiB"))
		inner.key("mount", quote(v.Mount, false))
	}
}
