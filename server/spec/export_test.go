package spec

// Keys lists every key and block of the language as BLOCK.NAME.
func Keys() []string {
	var keys []string
	for _, s := range []schema{
		fileSchema, appSchema, buildSchema, processSchema, portSchema, routeSchema, healthSchema, restartSchema,
	} {
		for _, name := range s.attrs {
			keys = append(keys, s.kind+"."+name)
		}
		for kind := range s.blocks {
			keys = append(keys, s.kind+"."+kind)
		}
	}
	return keys
}
