// Package spec turns crumpet.hcl, the app spec, into a paas.Spec with every default filled in.
//
//	bytes --hclsyntax--> body --decode--> paas.Spec --Validate--> paas.Spec
//	                      |                 |             |
//	                      +-----------------+-------------+--> hcl.Diagnostics, all of them at once
//
// Decoding knows the shape of the language: which keys and blocks stand where, and how a text
// becomes a memory size, a duration, a route or a paas.Value. Validate knows the rules between the
// values; it works on any paas.Spec, so one that arrives as JSON meets the same rules. Parse joins
// both: a rule's fault finds its source range by the key it is about, and a value that could not be
// decoded is not complained about a second time.
//
// reference.hcl shows every key with its default; a test keeps it complete.
//
// A new key touches paas.Spec, schema.go and decode.go, a rule in validate.go or network.go,
// reference.hcl, package jobspec with its goldens and the key's name in forces.go, the UI, and docs.
//
// Invariant: no I/O but ParseFile's one read, no clock, no variables from outside: the same bytes
// give the same Spec. A template such as "${port.http}" becomes a list of parts here, and no string
// further on ever holds ${ as a marker.
package spec
