package spec

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Keys lists every key and block of the language, each by the name that Key gives it.
func Keys() []string {
	var keys []string
	var walk func(kind string, s schema)
	walk = func(kind string, s schema) {
		for _, name := range s.names() {
			keys = append(keys, Key(kind, name))
			if b, ok := s.blocks[name]; ok {
				walk(name, *b.body)
			}
		}
	}
	walk("", fileSchema)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Key names a key of a block, BLOCK.NAME. What several blocks have for the same reason has one name:
// program.cpu of a process, sidecar, task and cron, probe.http of the three probes, and app.process of
// an app and its environments.
func Key(kind, name string) string {
	switch kind {
	case "process", "sidecar", "task", "cron":
		if slices.Contains(programSchema("").names(), name) {
			return "program." + name
		}
	case "startup", "readiness", "liveness":
		return "probe." + name
	case "environment":
		return Key("app", name)
	}
	return join(kind, name)
}

// Ordinary is what tooMuch asks first.
var Ordinary = ordinary

// Nesting counts what Ordinary has to be right about.
func Nesting(src []byte) (deepest, steps int) {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	var n nesting
	for i := range tokens {
		n.take(tokens, i)
		deepest = max(deepest, n.deepest())
	}
	return deepest, n.most
}

// Uncommented is what the library is given.
var Uncommented = uncommented
