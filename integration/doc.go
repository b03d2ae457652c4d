// Package integration tells Crumpet's stories from the outside: the built binary, package client and
// the CLI only, against a stack that `crumpet dev` starts. One file tells one story, top to bottom.
//
//	make test                             embedded, small sizes
//	make integration STACK=real           the same, against nomad, consul, vault or bao, and fabio on PATH
//	make prove [STORY=walk] [STACK=real]  the sizes of the issues' "Must show"
//
// Traffic goes to loopback only and is bounded in count and time. On failure the server's log is
// printed.
package integration
