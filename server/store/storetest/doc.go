// Package storetest is the one suite that every store must pass: SQLite and PostgreSQL.
//
// A Factory opens an empty store; its Reopen closes it and opens it again on the same data, as after
// a restart. The suite speaks to the store only by what the use cases ask of it, so it says what they
// may rely on: what is written comes back equal, a write is whole or absent, of two writers with one
// version exactly one wins, a past leader can't write, ids of events only grow.
package storetest
