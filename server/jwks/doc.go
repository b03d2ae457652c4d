// Package jwks hands out Nomad's public keys to those that have no certificate for Nomad's API.
//
//	Vault, Consul --GET /.well-known/jwks.json--> Proxy --the same, with a client certificate--> Nomad
//
// Vault and Consul verify the identities of workloads by these keys, and can't show a certificate when they fetch
// them. So the alternatives would be to let everybody without a certificate reach all of Nomad's API, or to copy the
// keys by hand and have every identity refused after a rotation. Nomad publishes a key before it signs with it, and
// whoever meets an unknown key asks here again: the keys are kept for seconds only.
//
// Invariant: there is one path, one method, and what goes out are public keys only, whatever Nomad answers.
package jwks
