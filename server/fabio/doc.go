// Package fabio is the adapter to the routers: it turns the route tables of all Fabios into
// paas.RouterTable, what they have counted by service and code into paas.RouterCounters, and a host and path into the status that a request through the router gets.
//
// A table is read from GET /api/routes of each Fabio's admin address, counters from its listener for
// Prometheus, which GET /api/config names; addresses are those of the
// configuration and those that Discover finds (the instances of service fabio in Consul).
//
// Invariant: reads only; rules reach Fabio through Consul's KV and nothing else. An unreachable
// Fabio is always reported, as a walk may only go on when every table is known; one that is gone (gone.go) has none.
package fabio
