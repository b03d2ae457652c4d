// Package relay leads connections of one machine to a server of Vault that is open.
//
//	127.0.0.2:8200 --as it comes, TLS and all--> the first of Vault's servers that says it serves
//
// Agents take one address of Vault only. A server that was restarted stays sealed until operators come, takes
// connections all the while and answers each with an error: a list of addresses, in DNS or in a file, would lead
// to it again and again. So every server is asked each second or two, and connections to one that no longer serves
// are cut, to be made again to another.
//
// Whoever started it can be told when the first server serves: at the boot of a machine Nomad is to wait for that. A task
// that is to log in to Vault and finds none is one that Nomad gives up for good.
//
// Invariant: it holds no secret and no key: what goes through it only the two ends can read.
package relay
