// Package vault is the embedded stand-in for a Vault server: it turns Vault's HTTP API into one encrypted state file, so
// that Crumpet, and tasks that log in with a workload identity, keep secrets on a machine with no Vault.
//
//	sys/               health seal-status init unseal seal leader capabilities-self
//	sys/mounts         list; PATH: enable kv version 2 or database, read, disable; PATH/tune;  sys/internal/ui/mounts/PATH
//	sys/auth           list; PATH: enable jwt, read, disable
//	sys/policies/acl   list; NAME: read, write, delete
//	sys/leases/        lookup renew revoke; PREFIX: lookup (list), revoke-prefix, revoke-force
//	auth/token/        create create-orphan lookup lookup-self renew renew-self revoke revoke-self
//	auth/JWT/          config role role/NAME login (keys from a JWKS address)
//	MOUNT/             kv: config data/KEY metadata/KEY delete/KEY undelete/KEY destroy/KEY
//	MOUNT/             database: config config/NAME roles roles/NAME creds/ROLE rotate-root/NAME, PostgreSQL only
//
// A credential of a database is a user made for one call. Its lease is saved before the user is made, and removed after
// the user is: at its end, with the token that asked for it, or when it is revoked. While the database is away that is
// tried again, each minute at the latest and, unlike a real one, for ever; meanwhile the lease says why it is still there.
// A database is asked without Server.mu: nobody waits for another's database.
//
// Every other path answers 501 and its name; so do namespaces, response wrapping, batch tokens and templated policies.
//
// It is initialized and unsealed like a real one, with a single key share. Unlike a real one it keeps that share in Data,
// mode 0600, and unseals itself when it is opened again: it is for one machine, whose owner can read both files anyway.
//
// Invariant: nothing but the key share is written in the clear. The whole state, values, tokens and policies alike, is
// one AES-GCM message, replaced at each change before the change is answered.
package vault
