// Package jobspec turns a release in a slot, with its counts, into the Nomad job that runs it, and a
// task or cron of a release into a job of its own.
//
//	app        -> job APP.SLOT in namespace TEAM; update { max_parallel = 0 }, so no Nomad deployment
//	process    -> group of that name, and its first task
//	sidecar    -> task that starts before and ends after it, and always comes back
//	port       -> dynamic port; but for udp a Consul service TEAM--APP--PROCESS--SLOT
//	probe      -> check "startup", "readiness" or "liveness" of its port's service; a port whose
//	              readiness no probe asks for has a check "listening"
//	route      -> urlprefix- tag of its port's service
//	artifact   -> unpacked into each task's local/, below which its working directory is
//	file       -> template into local/, literal unless the spec has a template
//	config     -> the pinned version in Vault, as an environment file; a key that is a secret, as a file
//	service    -> its credentials of one generation, as an environment file and as files below
//	              SERVICE_BINDING_ROOT; whoever has either logs in to Vault by its identity, as the app's role
//	value      -> ${NOMAD_...} for a reference; literal text stays literal, whatever it holds
//	placement  -> constraints, affinities and spreads: the app's on the job, a process's on its group
//	task, cron -> batch job APP.task.NAME.RELEASE, APP.run.ID; periodic batch job APP.cron.NAME
//	nomad      -> merged last over the group or task, in the words of Nomad's API
//
// Job, TaskJob and CronJob render anew, for what does not run yet. In a slot that takes traffic the
// stored text of Encode is the truth, and Amend changes its counts and tags only; Forces and Changes
// name the keys for which that is not enough. A group with several ports has several services of one
// name, which Nomad and Consul tell apart by port.
//
// Invariant: pure; the same input gives the same bytes. Nothing that changes with each release but
// the artifact (a number, a time) may enter a job, or every release would replace what need not be. A job
// of a release that has nothing in Vault holds nothing of Vault, and no job holds a secret.
package jobspec
