// Package identity gives tasks workload identities, as Nomad does: tokens signed
// by a key of the stand-in that a Vault believes which reads its JWKS.
//
//	allocation + task -> claims -> signed JWT -> login at Vault -> Vault token
//
// The key is made once and kept in the data folder, mode 0600; a token lives an
// hour at most.
//
// Invariant: no token is ever logged or part of an error.
package identity
