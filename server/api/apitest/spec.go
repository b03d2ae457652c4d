package apitest

import (
	"regexp"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var (
	appName  = regexp.MustCompile(`app "([a-z-]+)"`)
	process  = regexp.MustCompile(`process "([a-z]+)"`)
	greeting = regexp.MustCompile(`GREETING\s*=\s*"([^"]*)"`)
)

// Spec reads as much of an app spec as these tests need: the real parser has tests of its own.
func Spec(text string) (paas.Spec, []paas.Fault) {
	name := appName.FindStringSubmatch(text)
	if name == nil {
		return paas.Spec{}, []paas.Fault{
			{Location: "crumpet.hcl:1,1", Message: "There is no app block."},
			{Location: "crumpet.hcl:2,1", Message: "There is no process block."},
		}
	}
	spec := paas.Spec{App: name[1], Build: paas.Build{Builder: paas.BuilderGo}}
	for _, m := range process.FindAllStringSubmatch(text, -1) {
		spec.Processes = append(spec.Processes, paas.Process{
			Name: m[1], Command: []paas.Value{paas.Literal("./" + spec.App)}, Instances: 1, CPU: 100, Memory: 128,
			Ports: []paas.Port{{Name: "http"}}, Startup: 30 * time.Second, Strategy: paas.Rolling,
		})
	}
	if m := greeting.FindStringSubmatch(text); m != nil {
		spec.Env = map[string]paas.Value{"GREETING": paas.Literal(m[1])}
	}
	return spec, nil
}
