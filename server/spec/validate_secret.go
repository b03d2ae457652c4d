package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// nomadSecrets are names that Nomad and Crumpet use in a task's folder of secrets.
var nomadSecrets = []string{".nomad-mount", "api.sock", "bindings", "consul_token", "crumpet", "crumpet.env", "vault_token"}

func validateSecrets(s paas.Spec, r report) {
	var before []paas.ConfigFile
	seen := map[string]bool{}
	for i, f := range s.Secrets {
		at := place{}.block("secret", i, f.Name)
		switch problem := paas.CheckVariable(f.Name); {
		case problem != "":
			r.say(at.label(), "Bad name", "%s", problem)
		case seen[f.Name]:
			r.say(at.label(), "Name repeated", "There is a second secret %q. A key is one file: keep one.", f.Name)
		}
		seen[f.Name] = true
		validateSecretFile(at, f, before, r)
		before = append(before, paas.ConfigFile{Path: f.Path})
		validateSecretMode(at.attr("mode"), f, s, r)
	}
}

func validateSecretFile(at place, f paas.SecretFile, before []paas.ConfigFile, r report) {
	first, _, _ := strings.Cut(path.Clean(f.Path), "/")
	switch {
	case f.Path == "":
		r.missing(at.attr("file"), "File missing", "The secret %q has no file. Write file = \"tls/key.pem\", or leave the block out: every key of the app's configuration reaches its programs as a variable.", f.Name)
	case slices.Contains(nomadSecrets, first), strings.HasPrefix(first, "nomad_"):
		r.say(at.attr("file"), "Reserved name", "The file %q of the secret %q would lie where Nomad or Crumpet keeps its own: %q is taken. Choose another path.", f.Path, f.Name, first)
	default:
		validatePath(at.attr("file"), "the folder of secrets", f.Path, before, r)
	}
}

// validateSecretMode demands that every program can read the file: Nomad's agent owns it, or whom a
// program runs as, if that is known by number.
func validateSecretMode(at place, f paas.SecretFile, s paas.Spec, r report) {
	if !modes.MatchString(f.Mode) {
		r.say(at, "Bad mode", "The mode %q of the secret is not octal. Write three or four digits from 0 to 7, such as \"0444\".", f.Mode)
		return
	}
	bits := f.Mode[len(f.Mode)-3:]
	if bits[0]&4 == 0 {
		r.say(at, "Bad mode", "The mode %q of the secret %q lets not even its owner read it. Write \"0400\", or leave mode out.", f.Mode, f.Name)
		return
	}
	if bits[2]&4 != 0 {
		return
	}
	for o, p := range owners(s) {
		if _, known := paas.UserNumber(p.User); !known {
			r.say(at, "Impossible combination", "The mode %q of the secret %q lets only its owner read it, and the %s runs as %q, whose number Nomad would have to know. Write user = \"1000\" with the number there, or mode = \"0444\" here: no other app sees the file.", f.Mode, f.Name, o.what, p.User)
			return
		}
	}
}

// provided is a variable that the app's blocks give to every program.
type provided struct {
	name, of string
	at       place
}

// validateProvided demands that no variable is set from two sides: by two blocks, or by one and an env.
func validateProvided(s paas.Spec, r report) {
	var list []provided
	for i, f := range s.Secrets {
		list = append(list, provided{f.FileVariable(), fmt.Sprintf("secret %q", f.Name), place{}.block("secret", i, f.Name).label()})
	}
	bound, vcap := place{}, place{}
	for i, u := range s.Services {
		at := place{}.block("service", i, u.Name)
		if u.Bind.As == paas.AsEnv && u.Bind.Env != "" {
			list = append(list, provided{u.Bind.Env, fmt.Sprintf("service %q", u.Name), at.attr("bind").attr("env")})
		}
		if i == 0 {
			bound = at.label()
		}
		if u.Bind.VCAP && vcap == (place{}) {
			vcap = at.attr("bind").attr("vcap")
		}
	}
	if len(s.Services) > 0 {
		list = append(list, provided{paas.BindingRootVariable, "services of the app", bound})
	}
	if vcap != (place{}) {
		list = append(list, provided{paas.VCAPServicesVariable, "services of the app", vcap}, provided{paas.VCAPApplicationVariable, "services of the app", vcap})
	}
	for i, g := range list {
		if j := slices.IndexFunc(list[:i], func(o provided) bool { return o.name == g.name }); j >= 0 && g.of != list[j].of {
			r.say(g.at, "Variable repeated", "The variable %s is set by the %s as well as by the %s. Give one of them another: a service has bind { env = \"OTHER_URL\" }.", g.name, list[j].of, g.of)
			continue
		}
		if where := sets(s, g.name); where != "" {
			r.say(g.at, "Variable repeated", "The variable %s is set by the %s, and in the env of the %s too. Leave it out there.", g.name, g.of, where)
		}
	}
}

// sets says whose env has a variable, or "".
func sets(s paas.Spec, name string) string {
	if _, ok := s.Env[name]; ok {
		return "app"
	}
	for o, p := range owners(s) {
		if slices.Contains(slices.Collect(maps.Keys(p.Env)), name) {
			return o.what
		}
	}
	return ""
}
