package spec

import "slices"

// Keys lists every key and block of the language by its path in a file, app.process.sidecar.cpu, but
// those of an environment, which are an app's.
func Keys() []string {
	var keys []string
	var walk func(path string, s schema)
	walk = func(path string, s schema) {
		for _, name := range s.attrs {
			keys = append(keys, join(path, name))
		}
		for kind, b := range s.blocks {
			keys = append(keys, join(path, kind))
			if kind != "environment" {
				walk(join(path, kind), *b.body)
			}
		}
	}
	walk("", fileSchema)
	slices.Sort(keys)
	return keys
}
