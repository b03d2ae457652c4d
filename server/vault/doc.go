// Package vault is the adapter to Vault, or OpenBao in its place: it turns a name into one of
// Crumpet's own keys, made at first use and the same ever after.
//
//	PlatformKey("artifact")  <->  KV v2, mount crumpet, path platform/artifact, field key
//
// The first write is a compare-and-set with version 0, so that two servers that start at once agree
// on one key. The mount is made where it is missing and the token allows it.
//
// Every call has a deadline of its own below the caller's. A sealed, uninitialised or unreachable
// Vault is unavailable and says so in words; a refused token is forbidden. The official client also
// honors its environment variables for namespace and extra headers.
//
// Invariant: types of the official client never leave; neither keys nor the token appear in an
// error or a log.
package vault
