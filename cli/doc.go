// Package cli is the command line: one file per command, each of which turns arguments into calls of
// server/client and what comes back into tables, plain lines or JSON.
//
// The same conventions hold for every command. Those that read take --json. Long flags may be
// written with one dash. The app is the argument where the usage shows APP, else --app, else the one
// of ./crumpet.hcl (app.go). Exit codes: 0 done, 1 failed, 2 wrong usage. In a pipe there is no
// colour, no live line and no prompt. Messages go to stderr, what was asked for to stdout.
//
// A failure is returned as an error and printed once, by Run.
package cli
