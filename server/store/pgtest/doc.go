// Package pgtest gives tests a PostgreSQL of their own: Debian's program in a temporary folder.
//
//	Start(t) --initdb, postgres--> Cluster --CREATE DATABASE--> a URL per test
//
// One cluster serves all tests of a process. It listens on loopback only, has a password, and ends with
// the process that started it, also when that is killed: its shell waits at a pipe whose other end closes
// then. PostgreSQL refuses root, so root runs it as postgres or nobody.
//
// A machine without PostgreSQL skips the test, with a line that says what is missing.
//
// Invariant: nothing outside the temporary folder is written.
package pgtest
