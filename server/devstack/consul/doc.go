// Package consul is the embedded stand-in for a Consul agent: it turns Consul's HTTP API into one state file and a loop
// of health checks, so that Crumpet, the Nomad stand-in and a real Fabio run on a machine with no Consul.
//
// It behaves as a single Consul 1.8 server with ACLs off (tokens are accepted and ignored) and one datacenter, dc1.
//
//	/v1/status      leader peers
//	/v1/operator    autopilot/health
//	/v1/agent       self members services checks service/ID health/service/{id,name}/X
//	                service/{register,deregister,maintenance} check/{register,deregister,pass,warn,fail,update}
//	/v1/catalog     datacenters nodes node/NODE services service/NAME register deregister
//	/v1/health      service/NAME state/STATE node/NODE checks/NAME
//	/v1/kv/KEY      GET (recurse, keys, separator, raw) PUT (cas, flags, acquire, release) DELETE (recurse, cas)
//	/v1/txn         KV verbs
//	/v1/session     create destroy/ID renew/ID info/ID node/NODE list
//
// Every other path answers 501 and its name, and so do ?filter, check types other than http, tcp, grpc and ttl, and Connect.
//
// Reads of catalog, health, kv and sessions are blocking queries with an index for each topic (a service, the checks, a
// key or prefix), as Consul keeps them; a deleted prefix keeps an index of its own.
//
// Invariant: an index never goes back, not even by SIGKILL: a change is on disk before anybody can see it. What Consul
// keeps in an agent's memory is kept in memory here too: check output, lock delays, session deadlines. After a restart
// http, tcp and grpc checks are critical until they ran, which readers of health wait for a moment; ttl checks keep their status
// for one more TTL.
package consul
