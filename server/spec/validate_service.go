package spec

import (
	"slices"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxParameters bounds the parameters of a service, in bytes of JSON.
const maxParameters = 32 << 10

func validateServices(s paas.Spec, r report) {
	seen := map[string]bool{}
	for i, u := range s.Services {
		at := place{}.block("service", i, u.Name)
		switch problem := paas.CheckName("service", u.Name, paas.MaxProcess); {
		case problem != "":
			r.say(at.label(), "Bad name", "%s", problem)
		case seen[u.Name]:
			r.say(at.label(), "Name repeated", "There is a second service %q. Give it another name.", u.Name)
		default: // else the name that follows from it is no better
			if problem := paas.CheckName("service instance", u.Instance, paas.MaxServiceInstance); problem != "" && paas.CheckName("app", s.App, paas.MaxApp) == "" {
				r.say(at.attr("instance"), "Bad name", "%s", problem)
			}
		}
		seen[u.Name] = true
		validateOffering(at, u, r)
		validateBind(at.attr("bind"), u, r)
	}
}

func validateOffering(at place, u paas.ServiceUse, r report) {
	for _, word := range []struct{ key, text string }{{"offering", u.Offering}, {"plan", u.Plan}} {
		if len(word.text) > 255 || strings.ContainsFunc(word.text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
			r.say(at.attr(word.key), "Bad name", "The %s %q is no name of a catalog: it holds a space or a control character, or is too long. \"crumpet services catalog\" lists what there is.", word.key, word.text)
		}
	}
	if u.Offering == "" {
		for _, key := range []struct {
			name string
			is   bool
		}{{"plan", u.Plan != ""}, {"parameters", len(u.Parameters) > 0}} {
			if key.is {
				r.missing(at.attr(key.name), "Offering missing", "The service %q has the key %s, which is for making an instance, and no offering that one is made of. Write offering = \"postgres\" as well, or leave %s out to use the instance %q that is there.", u.Name, key.name, key.name, u.Instance)
			}
		}
	} else if u.Plan == "" {
		r.missing(at.attr("plan"), "Plan missing", "The service %q does not say which plan of %q it wants. Write plan = \"small\"; \"crumpet services catalog\" lists the plans.", u.Name, u.Offering)
	}
	if len(u.Parameters) == 0 {
		return
	}
	if _, err := parseFragment(u.Parameters); err != nil {
		r.say(at.attr("parameters"), "Map expected", "The parameters of the service %q are not a JSON object.", u.Name)
	} else if n := len(u.Parameters); n > maxParameters {
		r.say(at.attr("parameters"), "Too long", "The parameters of the service %q have %d bytes; at most %d are allowed.", u.Name, n, maxParameters)
	}
}

func validateBind(at place, u paas.ServiceUse, r report) {
	b := u.Bind
	switch b.As {
	case paas.AsEnv:
		if b.Env == "" {
			r.missing(at.attr("env"), "Variable missing", "The service %q does not say which variable has its URL. Write env = \"DATABASE_URL\".", u.Name)
		} else if problem := paas.CheckVariable(b.Env); problem != "" {
			r.say(at.attr("env"), "Bad name", "%s", problem)
		}
		for _, key := range []struct {
			name string
			is   bool
		}{{"change", b.Change != "" && b.Signal == ""}, {"signal", b.Signal != ""}} {
			if key.is {
				r.say(at.attr(key.name), "Impossible combination", "The service %q reaches programs as variables, which don't change while a program runs: new credentials replace its instances one by one. Write as = \"files\" to be told by a signal instead, or leave %s out.", u.Name, key.name)
			}
		}
	case paas.AsFiles:
		for _, key := range []struct {
			name string
			is   bool
		}{{"env", b.Env != ""}, {"vcap", b.VCAP}} {
			if key.is {
				r.say(at.attr(key.name), "Impossible combination", "The service %q reaches programs as files only, and %s is about variables. Leave it out, or write as = \"env\": the files are there as well.", u.Name, key.name)
			}
		}
		switch {
		case !slices.Contains(changes, b.Change):
			r.say(at.attr("change"), "Unknown value", "%s", unknownWord("change of a binding", string(b.Change), changes))
		case b.Change == paas.ChangeNoop && b.Signal != "":
			r.say(at.attr("signal"), "Impossible combination", "The service %q names the signal %s, which is sent only with change = \"signal\". Write that, or leave signal out.", u.Name, b.Signal)
		case b.Change == paas.ChangeSignal && b.Signal == "":
			r.missing(at.attr("change"), "Signal missing", "The service %q tells programs of new credentials by a signal, but not by which. Write signal = \"SIGHUP\".", u.Name)
		}
	default:
		r.say(at.attr("as"), "Unknown value", "%s", unknownWord("way of a binding", string(b.As), ways))
	}
	if b.Signal != "" {
		validateSignal(at.attr("signal"), b.Signal, r)
	}
}
