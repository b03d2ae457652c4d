// Package router is the embedded stand-in for Fabio: it turns the passing services of a Consul and the
// route commands in its KV store into one table, and proxies HTTP requests by that table.
//
//	urlprefix- tags --\
//	                   > text --parse--> commands --build--> table --swap--> requests
//	KV below kvpath --/
//
// Grammar, order, matching, weights and failure follow Fabio 1.7.3, the awkward parts included, because
// whatever is written for this router must mean the same on a real one:
//
//   - the text of the catalog comes first, then all keys sorted by name; kvpath is a string prefix
//   - one bad line keeps the whole last table; a line over 64 KB silently ends the text
//   - a host matches with its port (only :80 is dropped), a path by prefix, /foo matches /foobar
//   - shares are summed in floats: weight 1 may leave others a slot of the ring, weight 2 does not
//   - the proxy listens only when the first table stands; there is no retry and no ejection
//
// It differs on purpose where Fabio would lose requests by accident: a catalog read that fails keeps
// the last text of the catalog (Fabio drops the service). Not here: TCP and gRPC listeners, TLS, auth schemes, the
// register= option, noroute HTML. Routes that need those are parsed and listed but not served.
//
// The admin listener answers GET /api/routes[?raw], /api/config (where the metrics are, and what a doctor asks), /api/version and /health;
// as with ui.access=ro the manual paths answer 403. Metrics for Prometheus have a listener of their own. Invariant: Consul is reached by URL only, and only the own registration is written.
package router
