// Package backup copies a control plane into one archive, and puts it back on another cluster.
//
//	store, artifacts, Vault, Consul, Nomad -> Create -> tar of pieces, sealed -> Read -> the same five, in that order
//
// Order. The store is copied first, of one moment, and that moment is the backup's. What it points to is copied after
// it: artifacts (a release's artifact is there before the release, and goes after it), versions of configurations (in
// Vault before their row says so), jobs and rules. So the store is never newer than what it names. What the others have
// beyond it is harmless: an artifact that nothing names is swept, a version of a configuration is adopted, and jobs and
// rules are put back to what the store wishes, or named as drift.
//
// The way back has the same order, for another reason: Nomad comes last, because it starts instances as soon as it
// knows of them, and they want their secrets from Vault, their artifact from Crumpet, and the rules in Consul that keep
// routers from a slot that does not serve.
//
// An archive is a tar, so that it can be read without this program: each part in pieces NAME/000001, NAME/000002...,
// and at last manifest.json, which names every part with its digest. One without its manifest is not whole.
//
// Nothing is held in memory but one piece, and nothing is on a disk in clear.
//
// Errors are *paas.Error, but for those of a writer or reader that was given, which come back wrapped.
//
// Invariant: no secret is in a manifest, a journal, an error or a line of progress.
package backup
