// Package why says why an app does not serve, or what else is wrong with it, as one causal chain.
//
//	store, rules, last log line --Asker--> Facts --Explain--> paas.Why
//
// Causes is the table of all that can be wrong, the deepest first: Explain takes the first row that
// finds itself in the facts, so a node that is down hides the checks that fail on it, and a sealed
// Vault hides the template that waits for it. Each row says which stack can produce it, what finds it,
// and what to try.
//
// What is explained is the serving release, if something is wrong with it; else the deployment under
// way, or the last one if that failed; else what was refused before there was a release.
//
// Explain and all rows are pure. An Asker collects the facts through interfaces declared here; what can't
// be read of the rules and the log is left out, as it only adds to an explanation.
//
// Invariant: never reads sentences to know what happened. Facts carry causes, put there by who knew. There are
// two exceptions, both in judge.go, where nobody below says it in another way: a program that the kernel can't
// run shows only in its last log line, and a sealed Vault only in the word its backend has for it.
package why
