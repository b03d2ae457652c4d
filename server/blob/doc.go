// Package blob keeps bytes by their SHA-256: uploaded files, manifests and artifacts, in a folder.
//
//	DIR/sha256/ab/abcdef...   one file per digest, complete and never changed
//	DIR/tmp/*                 being written; emptied when the store is opened
//
// A blob appears by a rename, after its bytes are on the disk: a reader sees all of it or nothing,
// also after a crash. Two writers of one digest both succeed, with one file.
//
// Shared is the same for several servers: a blob is in a Remote, the database, before it is acknowledged,
// and the folder is a cache whose files have been verified.
//
// Errors are *paas.Error: invalid (the bytes are not those of the digest, or it is no digest),
// not_found, quota (over the limit, or the disk is full), else internal. An error of the reader that
// was given comes back wrapped and unchanged.
//
// Invariant: the file at sha256/ab/abcdef... has that digest. One process writes to a folder.
package blob
