// Package client is the Go client of Crumpet's HTTP API: one method for each operation, named as the
// operation is. The CLI and the integration tests know the server through it only.
//
// A call that may be made twice is made again while the server can't be reached, for up to a minute,
// so that a restart of the server in the middle of a push is survived. Streams come back where they
// were. What the server refuses arrives as the paas.Error it was.
//
// Invariant: the token goes into the Authorization header and nowhere else: into no URL, no error.
package client
