// Package nomad is the embedded stand-in for Nomad: one server and one client
// with a node behind an http.Handler, with durable state, running tasks as real
// processes that outlive it. Further clients are processes that attach to it:
// while one lives, the stand-in runs a client with a node of its own for it; when
// it dies, that client is dead, its node down after a while, and what ran there
// is lost and replaced.
//
//	HTTP -> state (rows, index) -> evaluation -> sched.Reconcile -> allocations
//	     -> runner -> executor (a process each) and catalog (Consul)
//
// It serves what the official client needs for service, batch and periodic jobs
// under /v1, blocking queries included: jobs, validate/job, job/ID (versions,
// allocations, evaluations, summary, deployments, deployment, plan, evaluate,
// periodic/force, scale),
// evaluations, evaluation/ID, allocations, allocation/ID (stop),
// client/allocation/ID (restart, signal, exec, stats), client/fs (logs, ls, stat, cat, readat,
// stream), nodes, node/ID (allocations, drain, eligibility), namespaces,
// vars, var/PATH, volumes and volume/host/ID (create, register), deployments, event/stream, agent (self, health, members), status (leader,
// peers), regions, operator/scheduler/configuration (read), operator/autopilot/health, system/gc; and
// /.well-known/jwks.json. Anything else is answered 501 with its path.
//
// Known differences from Nomad: there are no deployments, of an update block
// max_parallel is followed and nothing else; a disconnect block is kept and not followed, so that what
// ran on a node that is away is lost; a volume is a folder, of no owner, that exec
// tasks find as a link below their own folder, can't be changed, and is not sticky; CPU, cores and disk are accounted, not enforced, and
// memory is looked at five times a second, not by the kernel; exec is raw_exec,
// without chroot and cgroups, so that a task of another user needs a way to its
// folder; only the mode "host" of networks; no volumes of other types, devices, Connect, system
// or parameterized jobs, change_mode script, splay of templates, or
// shutdown_delay of a single task; variables have no locks and lie in the state as they are, and
// what a task's templates may read of them is not restricted to its job; the node has no class and no meta, and is in
// the pool "default"; a task's logs are in its own folder; a lost machine's power
// may lose the last transactions.
//
// Invariant: nothing here imports another package of Crumpet, and no task ends
// because the stand-in does.
package nomad
