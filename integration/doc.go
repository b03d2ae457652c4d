// Package integration tells Crumpet's stories from the outside: the built binary, package client and
// the CLI only, against a stack that `crumpet dev` starts. One file tells one story, top to bottom.
//
//	make test                             embedded, small sizes
//	make integration STACK=real           the same, against nomad, consul, vault or bao, and fabio on PATH
//	make prove [STORY=walk] [STACK=real]  the sizes of the issues' "Must show"
//
// A story that needs more than one machine starts a stack with startNodes(t, 2): Nomad's clients "dev" (in the
// agent that is the server, so it can't die alone) and "dev-2". d.node(name) is what Nomad knows of one (ID, Status,
// Drain, SchedulingEligibility); d.drain and d.eligible are the operator's commands; d.killClient kills the client's
// process only, whose tasks live on, d.killNode the whole machine with its Consul agent and tasks; neither comes back
// before d.reviveNode. A node is down 7 to 10 s after its client's death.
//
// Traffic goes to loopback only and is bounded in count and time. On failure the server's log is
// printed.
package integration
