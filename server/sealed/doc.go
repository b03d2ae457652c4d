// Package sealed keeps files that only some people can read: encrypted with age to their public keys.
//
//	public keys -> Recipients -> Seal, for each file or stream
//	key files   -> Identities -> Open
//	State: one file of named values, sealed whole, locked while it is worked with
//
// What is sealed here can be opened by the age program too: `age -d -i KEYFILE FILE`.
//
// Invariant: plain text is in memory only. A file is replaced whole or not at all, and lies on the disk before
// its writer goes on.
package sealed
