package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/spec"
)

// An environment that names every block of its app and changes nothing in them is read anew, and one that
// names none is not: both are the same app with the same faults, told once.
func TestWhatAnEnvironmentInheritsIsAsIfItWereReadAgain(t *testing.T) {
	t.Parallel()
	end := strings.LastIndex(spec.Reference, "  environment \"staging\"")
	again := "process \"web\" {}\nprocess \"api\" {}\nprocess \"mail\" {}\ntask \"migrate\" {}\ncron \"report\" {}\ndeploy {}\nplacement {}\n"
	attrs, _ := shownKeys(t)
	sources := map[string]string{"reference.hcl": spec.Reference[:end]}
	for _, a := range attrs {
		if r := a.attr.Expr.Range(); r.End.Byte < end {
			for _, wrong := range []string{`[{ x = [] }]`, `"other"`, `9000`} {
				sources[a.key+" = "+wrong+fmt.Sprint(", line ", r.Start.Line)] = spec.Reference[:r.Start.Byte] + wrong + spec.Reference[r.End.Byte:end]
			}
			s := a.attr.Range()
			sources[a.key+" left out"+fmt.Sprint(", line ", r.Start.Line)] = spec.Reference[:s.Start.Byte] + spec.Reference[s.End.Byte:end]
		}
	}
	for name, src := range sources {
		for _, changed := range []string{"", "deploy {\nstrategy = \"stop-first\"\n}\n"} {
			more := again
			if changed != "" {
				more = strings.Replace(again, "deploy {}\n", "", 1)
			}
			inherited, faults := spec.ParseWith([]byte(src+"environment \"e\" {\n"+changed+"}\n}\n"), spec.Options{Environment: "e"})
			read, same := spec.ParseWith([]byte(src+"environment \"e\" {\n"+changed+more+"}\n}\n"), spec.Options{Environment: "e"})
			if diff := cmp.Diff(read, inherited); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if diff := cmp.Diff(spec.Faults(same), spec.Faults(faults)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}
