// Package auth turns the Authorization header of a request into the paas.Token it proves.
//
// A token is 32 random bytes behind the prefix crumpet_, so that scanners for leaked secrets can
// find one. The store knows its SHA-256 only: whoever reads the database can't call the API. A plain
// hash is enough, since there is nothing to guess in 256 random bits.
//
// Invariant: the plain token is in no error, log or row.
package auth
