// Package secret keeps the configuration of apps, their secrets among it: it turns wishes to set and unset
// keys into numbered versions, whose values are in Vault and whose names are in the store.
//
//	Change   names, sizes, what the app's releases need   -> refused, or
//	         row (unwritten) -> Vault, compare-and-set -> row (written) -> deployment of the new version
//	Newest   what a push pins;   Has  what a rollback asks;   Forget  at the end of an app
//	Reveal   values, after an event that names who saw which keys
//
// The row is written before Vault, so that there is no version which nobody knows of. One that is found
// unwritten is settled by what Vault has under its number: a keyed hash of the values tells whether that is
// this version, or another that a second server, or an operator, wrote in its place.
//
// Everything that can be refused is refused before Vault is written: a deployment in the way, a version that a
// running release still needs, a name that a `secret` block of the spec wants. A Vault that is sealed, or away,
// is found before the row. The values of an app are read and written as a whole; a set that comes to the
// values there are makes no version.
//
// Invariant: a value is in no error, log, event or row.
package secret
