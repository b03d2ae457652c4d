package router

import (
	"net"
	"net/http"
	"strings"
)

// forwardHeaders returns the headers that tell a target who called: X-Forwarded-*, X-Real-Ip and Forwarded.
// What a caller sent is kept where Fabio keeps it; X-Forwarded-For and Forwarded are added to.
func forwardHeaders(r *http.Request, strip string) (http.Header, error) {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil, err
	}
	proto := callerScheme(r)
	h := http.Header{}
	keep := func(key, otherwise string) {
		if sent := r.Header.Get(key); sent != "" {
			otherwise = sent
		}
		if otherwise != "" {
			h.Set(key, otherwise)
		}
	}
	keep("X-Real-Ip", ip)
	keep("X-Forwarded-Proto", httpScheme(proto))
	keep("X-Forwarded-Port", portOf(r))
	keep("X-Forwarded-Host", r.Host)
	prefix := strip
	if prefix == "" {
		prefix = r.Header.Get("X-Forwarded-Prefix")
	}
	if prefix != "" {
		h.Set("X-Forwarded-Prefix", prefix)
	}
	h.Set("X-Forwarded-For", strings.Join(append(r.Header.Values("X-Forwarded-For"), ip), ", "))

	forwarded := r.Header.Get("Forwarded")
	if forwarded == "" {
		forwarded = "for=" + ip + "; proto=" + proto
	}
	if by := localIP(r); by != "" {
		forwarded += "; by=" + by
	}
	if r.Proto != "" {
		forwarded += "; httpproto=" + strings.ToLower(r.Proto)
	}
	h.Set("Forwarded", forwarded)
	return h, nil
}

// callerScheme is what an earlier proxy said it was, if only one of the two headers says so, else that of the connection.
func callerScheme(r *http.Request) string {
	said, forwarded := r.Header.Get("X-Forwarded-Proto"), r.Header.Get("Forwarded")
	switch {
	case said != "" && forwarded == "":
		return said
	case said == "" && forwarded != "":
		if _, rest, ok := strings.Cut(forwarded, "proto="); ok {
			proto, _, _ := strings.Cut(rest, ";")
			return proto
		}
	}
	if r.Header.Get("Upgrade") == "websocket" {
		return "ws"
	}
	return "http"
}

// httpScheme says http for ws and https for wss: some websocket clients build URLs from it.
func httpScheme(proto string) string {
	switch proto {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return proto
}

func portOf(r *http.Request) string {
	if i := strings.Index(r.Host, ":"); i > 0 && i < len(r.Host)-1 {
		return r.Host[i+1:]
	}
	return "80"
}

// localIP is the address the request came in on.
func localIP(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	ip, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	return ip
}
