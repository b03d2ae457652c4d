// Package detect looks at a folder of source and drafts the app spec that fits it, each choice with
// its reason as a comment.
//
//	fs.FS --look--> go.mod, package.json, requirements.txt, index.html: the kind of source, its builder
//	      --hint--> Procfile, Dockerfile: processes, ports, variables, whatever the kind is
//	      --write-> the text of crumpet.hcl
//
// What it can't know it says: a program of which it has not seen that it reads PORT, a command that
// needs a shell or an interpreter on the nodes. A Procfile is believed before anything else, since
// somebody wrote it to say how the app is run.
//
// Invariant: reads files below the given root only, at most some hundred, each up to a limit; writes
// nothing, runs nothing. The same folder gives the same text.
package detect
