// Package postgres is the adapter to the PostgreSQL servers that operators register: it runs statements
// that others have written, one after the other on a connection of its own, and tells how they ended.
//
//	Run(login, statements)  ->  each in a transaction of its own, until one fails
//	Has(login, query)       ->  whether the query gives a row
//
// It knows no statement and keeps no connection: what is to be done stands in package service, and a call
// comes a few times in the life of an instance. Who logs in is a user that Vault makes for that call.
//
// Invariant: neither a password nor a statement appears in an error.
package postgres
