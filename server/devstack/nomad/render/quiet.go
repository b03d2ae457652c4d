package render

import (
	"bytes"
	"io"
	"log"
	"sync"
)

// quiet keeps consul-template's chatter out of the process's log. It writes to
// the standard logger without asking, down to whole templates and addresses at
// its debug level; only warnings and errors may pass. All else that goes through
// the standard logger is left alone.
var quiet = sync.OnceFunc(func() { log.SetOutput(filter{log.Writer()}) })

type filter struct{ next io.Writer }

func (f filter) Write(line []byte) (int, error) {
	for _, level := range []string{"[TRACE] ", "[DEBUG] ", "[INFO] "} {
		if bytes.Contains(line, []byte(level)) {
			return len(line), nil
		}
	}
	return f.next.Write(line)
}
