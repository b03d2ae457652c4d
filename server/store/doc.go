// Package store keeps wishes, facts and events in a database: SQLite for one server, PostgreSQL for
// several, with the same query text and the same migrations.
//
//	paas.Change      --Save-->     apps, releases, slots, sides, deployments, claims   wishes
//	paas.Observation --Observe-->  instances, jobs, routes, routers, runs              facts
//	                 <--Snapshot-- all of one app, read in one transaction
//	number           <--Changed--> the apps that were changed since, and the number to ask with next
//
// A write is one transaction: all of it is there after a crash, or none. Notify is called after the
// commit, never inside it. An app's version grows with each Save and is never used twice, not even by
// an app of the same name made later, so a Change made from an old Snapshot is always refused. A
// leader's writes carry its epoch; one below the highest given is refused, so a server that lost its
// lead without noticing can't write.
//
// Ids of events grow in the order of commits, so whoever has read up to N misses nothing by asking for
// those above N. (SQLite has one writer; in PostgreSQL a lock is taken before an id is.)
//
// So do the numbers of changes: each write names the apps that it changes, and a test does every kind of
// write and holds it to that. Whoever keeps what it has read of apps asks Changed which to read again.
//
// With PostgreSQL, Run passes on the commits of other servers by LISTEN and NOTIFY; blobs are kept in
// pieces of 1 MiB; a transaction that lost a race or its connection is run again, unless its commit may
// have happened; and the database ends a transaction whose server has stopped, so that none holds a lock
// for longer than a few seconds.
//
// Dump copies the rows of all tables, of one moment, as text that Restore puts into either database.
//
// Errors are *paas.Error: not_found, conflict, unavailable (busy, closed), else internal.
//
// Invariant: no rule of the domain is decided here except who holds a route, and that by a unique
// index.
package store
