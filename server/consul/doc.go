// Package consul is the adapter to Consul: it turns health checks of apps' services into paas.Check,
// and keeps the routing rule of each app under one key that Fabio reads.
//
//	fabio/config/crumpet/TEAM/APP  <->  paas.Rule
//	_nomad-task-ALLOC-group-PROCESS-SERVICE-PORT  ->  paas.Check{Alloc, Service, Port}
//
// Rules are written by compare-and-set only: the code is conflict when somebody else was faster.
// Connection failures are unavailable and name the address, refusals of the token are forbidden.
//
// Every call has a deadline of its own below the caller's. The official client also honors its
// environment variables for TLS (CONSUL_CACERT and its kin).
//
// Invariant: types of the official client never leave; services and keys that are not Crumpet's are
// never reported and never written; tokens appear in no error and no log.
package consul
