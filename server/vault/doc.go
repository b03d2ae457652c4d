// Package vault is the adapter to Vault, or OpenBao in its place: it turns a name into one of
// Crumpet's own keys, made at first use and the same ever after, and an app into its versioned config
// and secrets and into the role and policy by which its jobs, and no others, read them.
//
//	PlatformKey("artifact")  <->  KV v2, mount crumpet, path platform/artifact, field key
//	Secrets(TEAM/APP, 7)     <->  the same mount, path apps/TEAM/APP/config, version 7: one field for each name
//	PutAppRole               ->   role crumpet-TEAM--APP of the JWT auth, bound to namespace and exact job ids
//	PutAppPolicy             ->   policy crumpet-TEAM--APP: policies/vault/app.hcl
//	PutDatabase              ->   database/config/crumpet-*, by whose account Vault makes users; RotateDatabase
//	PutDatabaseRole          ->   database/roles/crumpet-*; Credentials makes a user, RevokeCredentials ends all
//	CareFor(Self), RenewSelf      the server's own token, which policies/vault/server.hcl lets do just this
//
// The first write of a key is a compare-and-set with version 0, so that two servers that start at once
// agree on one key; every write of secrets is one with the version that was read. The mount is made
// where it is missing and the token allows it.
//
// Every call has a deadline of its own below the caller's. A sealed, uninitialised or unreachable
// Vault is unavailable and says so in words, so is a mount that is missing; a refused token is
// forbidden. The official client also honors its environment variables for namespace and extra headers.
//
// Invariant: types of the official client never leave; neither keys, values nor the token appear in an
// error or a log.
package vault
