// Package conformance is the contract of the embedded stack: one table of rows, each of which drives the
// official client of Nomad, Consul or Vault, or the router by HTTP, and says what it saw. What it says must
// equal the row's text on the stand-ins and on the real programs alike.
//
//	make conformance                                         the stand-ins, and the real programs on PATH
//	CRUMPET_REAL_PATH=/opt/hashi/bin make conformance        the real programs from there
//	go test -run 'TestConformance$/embedded/Router' ./integration/conformance    some rows
//	CRUMPET_REAL_VAULT=URL CRUMPET_REAL_VAULT_TOKEN=ROOT go test -run OfAVault ./integration/conformance    one Vault or OpenBao
//
// Rows of databases need a PostgreSQL, see package pgtest, and say so where there is none.
//
// A row also names the calls it makes, as METHOD /path?parameters with the ids replaced; the suite checks
// that it makes them. TestConformanceCoversTheServer records what a server asks of its backends while the
// command line drives it, and fails at a call that no row names. TestConformanceFindsALiar puts a wrong
// Consul in front of the right one and demands that the rows notice.
//
// Where the two columns differ, the real program is right.
package conformance
