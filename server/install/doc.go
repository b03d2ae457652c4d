// Package install puts the platform, Fabio and Crumpet's own servers, on a cluster that is there: a Nomad, a Consul and a
// Vault, as an operator reaches them.
//
//	Wish --Survey--> what is there, and every fault --objects--> policies, roles, mounts, tokens, secrets, namespace, jobs
//	                                                               differs: what is not as wished
//	                                                               write:   makes it so
//
// Every object says by itself whether it is as wished, so Plan is what Run does, a second Run changes nothing, and one
// that was cut off goes on. The same Run with another version is the upgrade: Nomad starts one new server beside the
// old ones, and replaces them one by one once it serves.
//
// What was wished is kept in Vault, so that an upgrade need not say it again; so are the secrets, which the jobs read by
// their own identities.
//
// Invariant: no secret is part of a job, of an Object, of an error or of what Say is told.
package install
