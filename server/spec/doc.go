// Package spec turns crumpet.hcl, the app spec, into a paas.Spec with every default filled in.
//
//	bytes --hclsyntax--> body --merge--> body of one environment --decode--> paas.Spec --Validate--> paas.Spec
//	         variables, locals, functions --eval--^                  |                     |
//	                                              +------------------+---------------------+--> hcl.Diagnostics,
//	                                                                                            all of them at once
//
// Decoding knows the shape of the language: schema.go says which keys and blocks stand where, and one
// file for each noun (program, task, probe, rollout, place, fragment, secret, service) how a value becomes a memory
// size, a duration, a route or a paas.Value. Validate knows the rules between the values; it works on
// any paas.Spec, so one that arrives as JSON meets the same rules. Parse joins both: a rule's fault
// finds its source range by the key it is about, and a value that could not be decoded is not
// complained about a second time. What means the same as a default is stored as the default, so that
// equal specs have equal digests.
//
// reference.hcl shows every key with its default; a test keeps it complete. docs/checklists.md says
// what a new key touches.
//
// Invariant: no I/O but ParseFile's one read, no clock: the same bytes and Options give the same
// Spec. A template such as "${port.http}" becomes a list of parts here, and no string further on ever
// holds ${ as a marker.
package spec
