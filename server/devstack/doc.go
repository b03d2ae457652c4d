// Package devstack runs a whole stack on one machine: it turns a data folder into running Consul, Vault, Nomad and
// Fabio, the real programs where they are on PATH and embedded stand-ins elsewhere, with a server on top.
//
//	dev (Supervisor) --- consul, vault, nomad, router: children, ready in this order, restarted when they die
//	      |         \--- server: the child that its caller describes, started when the stack is ready
//	      |
//	      o lifeline pipe --> guard: at end of file it kills whatever holds CRUMPET_DEV_DIR=DIR
//
// With --nodes N there are further clients of Nomad, nomad-2 and so on, each a child that can be killed alone; a real
// one has a Consul agent of its own, consul-2. The stand-in's further clients share its one Consul agent.
//
//	DIR/CHILD/hold  while it is there, a further client or agent that has ended is not started again
//	DIR/dev.lock    held by dev and its guard: one stack per folder
//	DIR/ports.json  ports chosen once and kept while they are free
//	DIR/dev.json    Info: written last, when all is ready; removed first, at the end
//	DIR/postgres    keys.json, data: of a PostgreSQL found on the machine, which runs as postgres or nobody if dev is root's
//	DIR/{consul,vault,nomad,router,crumpet}/NAME.log, state, and a real program's configuration
//
// Tasks are nobody's children here: they outlive a restart of Nomad and are adopted by the next one. All that belongs
// to a folder carries its mark in the environment, and only the end of dev ends it, also when dev is killed.
//
// Serve is the body of the hidden command that stand-ins, task executors and the guard run in.
//
// Invariant: children are reached by URL only; this package knows nothing of Crumpet's own packages.
package devstack
