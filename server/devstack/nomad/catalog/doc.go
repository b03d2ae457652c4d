// Package catalog keeps a Consul agent's registrations equal to what the
// allocations of the stand-in offer.
//
//	allocation's services -> registrations (pure) -> Consul agent
//
// Ids are Nomad's own, checks included: a check's id is a hash of the check, so
// a change of tags leaves the checks of a service and their state alone, while
// a changed check is a new one, critical until it has run. What Consul lost is
// put back at the next comparison, what nobody owns is taken away.
//
// Invariant: only ids that begin with _nomad-task- are ever touched.
package catalog
