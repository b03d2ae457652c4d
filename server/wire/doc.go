// Package wire holds the JSON bodies of Crumpet's HTTP API, one file per noun. Package api writes
// what package client reads, and both take the shapes from here, so they can't drift apart.
//
// Nouns whose JSON is the same inside and outside (paas.Deployment, paas.Release, paas.Event,
// paas.BuildJob) are not repeated here: they appear as fields of these bodies.
//
// Invariant: types only. Lists are never null in JSON and optional things have omitempty, except
// where a reader is promised the key, as in Status.
package wire
