package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// A command in an instance is run over a WebSocket, whose messages are JSON texts: an ExecIn at a time in, an ExecOut
// at a time out. The first one in has Start; the last one out has Exit or Problem.

// ExecIn is one message to a command.
type ExecIn struct {
	Start *ExecStart         `json:"start,omitempty"`
	Data  []byte             `json:"data,omitempty"` // of its standard input
	EOF   bool               `json:"eof,omitempty"`  // the end of that
	Size  *paas.TerminalSize `json:"size,omitempty"`
}

// ExecStart says what to run, and where. It is no part of the address: arguments may hold secrets, addresses are logged.
type ExecStart struct {
	Instance string            `json:"instance,omitempty"` // number, id or its beginning; "" for one that serves
	Process  string            `json:"process,omitempty"`  // "" for the only one, web, or that of the instance
	Task     string            `json:"task,omitempty"`     // a sidecar; "" for the process's own program
	Command  []string          `json:"command"`
	TTY      bool              `json:"tty,omitempty"`
	Size     paas.TerminalSize `json:"size"`
}

// ExecOut is one message from a command.
type ExecOut struct {
	Instance string       `json:"instance,omitempty"` // id; where it runs, with the first message
	Stdout   []byte       `json:"stdout,omitempty"`
	Stderr   []byte       `json:"stderr,omitempty"`
	Exit     *int         `json:"exit,omitempty"`   // its exit code
	Reason   string       `json:"reason,omitempty"` // with Exit: why, where it did not end by itself
	Problem  *ExecProblem `json:"problem,omitempty"`
}

// ExecProblem is a Problem under a name of its own, as the document wants for each type that is part of another.
type ExecProblem Problem

// MaxExecMessage bounds a message in; its data is a third shorter.
const MaxExecMessage = 128 << 10
