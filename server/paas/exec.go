package paas

import (
	"strconv"
	"strings"
)

// ExecRequest asks for a command to be run beside the program of an instance.
type ExecRequest struct {
	Team     string
	Instance string // id
	Task     string // the process's own program by the process's name, or a sidecar
	Command  []string
	TTY      bool // on a terminal
}

// ExecInput is what goes to a running command: bytes, the end of them, or the size of a terminal.
type ExecInput struct {
	Data []byte
	EOF  bool
	Size TerminalSize // zero: as it was
}

// TerminalSize is that of whoever looks at the command.
type TerminalSize struct {
	Rows    int `json:"rows"`
	Columns int `json:"columns"`
}

// Bounds of a command and its arguments.
const (
	MaxExecArgs  = 200
	MaxExecBytes = 32 << 10
)

// ValidCommand checks a command and its arguments. Code: invalid.
func ValidCommand(command []string) error {
	if len(command) == 0 || command[0] == "" {
		return Errorf(Invalid, "No command is given.")
	}
	if len(command) > MaxExecArgs {
		return Errorf(Invalid, "The command has %d arguments, and may have %d.", len(command)-1, MaxExecArgs-1)
	}
	bytes := 0
	for i, arg := range command {
		bytes += len(arg)
		if strings.IndexByte(arg, 0) >= 0 {
			return Errorf(Invalid, "Argument %d of the command holds a zero byte, which no argument can.", i)
		}
	}
	if bytes > MaxExecBytes {
		return Errorf(Invalid, "The command has %d bytes, and may have %d. Send what is long through its standard input.", bytes, MaxExecBytes)
	}
	return nil
}

// CommandText is what is told of a command: arguments may hold secrets, so they are only counted.
func CommandText(command []string) string {
	const longest = 64
	name := []rune(command[0])
	if len(name) > longest {
		name = append(name[:longest], '…')
	}
	switch n := len(command) - 1; n {
	case 0:
		return strconv.Quote(string(name))
	case 1:
		return strconv.Quote(string(name)) + " with 1 argument"
	default:
		return strconv.Quote(string(name)) + " with " + strconv.Itoa(n) + " arguments"
	}
}
