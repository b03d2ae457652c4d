// Package nomad is the adapter to Nomad: it turns calls of the use cases into requests of the
// official client, and the client's errors into paas.Error with a code and a sentence.
//
//	404                          not_found
//	stale EnforceIndex (a 500)   conflict
//	400, 413                     invalid
//	401, 403                     forbidden
//	no connection, no leader,
//	a deadline, 429, 502-504     unavailable, naming the address
//
// Lists are read with blocking queries over all namespaces: the caller hands back the index of the
// last answer and gets the whole list again when something has changed. An index that went
// backwards (a restored or new cluster) is simply the next one to wait for.
//
// Every call has a deadline of its own below the caller's. Job, allocation and evaluation types of
// the official client are passed on as they are: deploy and watch decide on them.
//
// Invariant: nothing is cached and nothing retried here; tokens appear in no error and no log.
package nomad
