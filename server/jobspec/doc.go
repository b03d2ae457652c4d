// Package jobspec turns a release in a slot, with its counts, into the Nomad job that runs it.
//
//	app       -> job APP.SLOT in namespace TEAM; update { max_parallel = 0 }, so no Nomad deployment
//	process   -> group and task of that name
//	port      -> dynamic port, and a Consul service TEAM--APP--PROCESS--SLOT with one check
//	route     -> urlprefix- tag of its port's service
//	artifact  -> unpacked into the task's local/, which is also its working directory
//	value     -> ${NOMAD_...} for a reference; literal text stays literal, also if it holds ${
//
// Job renders a job anew, for a slot without instances. In a slot that takes traffic the stored text
// of Encode is the truth, and Amend changes its counts and tags only; Forces names the key for which
// that is not enough. A group with several ports has several services of one name, which Nomad and
// Consul tell apart by port.
//
// Invariant: pure; the same input gives the same bytes. Nothing that changes with each release but
// the artifact (a number, a time) may enter a job, or every release would replace what need not be.
package jobspec
