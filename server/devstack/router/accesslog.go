package router

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// logAccess writes one line in the common log format. A write that fails is nobody's to handle: the
// request is answered already.
func (p *proxy) logAccess(r *http.Request, answer *observed, start time.Time) {
	caller, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		caller = r.RemoteAddr
	}
	_, _ = fmt.Fprintf(p.access, "%s - - [%s] %q %d %d\n", caller, start.Format("02/Jan/2006:15:04:05 -0700"),
		r.Method+" "+r.RequestURI+" "+r.Proto, answer.code, answer.size)
}
