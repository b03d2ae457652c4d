package router

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// access is the allow= or deny= option of a target: networks that may, or may not, call it.
type access struct {
	allow, deny []*net.IPNet
}

// parseAccess reads "ip:10.0.0.0/8,ip:192.168.0.1". On a fault the rules before it stay in force.
func parseAccess(allow, deny string) (access, error) {
	var a access
	if allow != "" && deny != "" {
		return a, fmt.Errorf("allow and deny on the same route are not supported")
	}
	var err error
	if allow != "" {
		a.allow, err = parseNetworks(allow)
	}
	if deny != "" {
		a.deny, err = parseNetworks(deny)
	}
	return a, err
}

func parseNetworks(rules string) ([]*net.IPNet, error) {
	var networks []*net.IPNet
	for rule := range strings.SplitSeq(rules, ",") {
		kind, value, ok := strings.Cut(rule, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(kind), "ip") {
			return networks, fmt.Errorf("access rule %q: want ip:ADDRESS", rule)
		}
		value = strings.TrimSpace(value)
		if ip := net.ParseIP(value); ip != nil {
			bits := 128
			if ip.To4() != nil {
				bits = 32
			}
			value = fmt.Sprintf("%s/%d", ip, bits)
		}
		_, network, err := net.ParseCIDR(value)
		if err != nil {
			return networks, fmt.Errorf("access rule %q: %w", rule, err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// denied judges the caller and every address in X-Forwarded-For: no element of it can be trusted more
// than another.
func (a access) denied(r *http.Request) bool {
	if len(a.allow)+len(a.deny) == 0 {
		return false
	}
	caller, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	callers := append([]string{caller}, strings.Split(r.Header.Get("X-Forwarded-For"), ",")...)
	for _, c := range callers {
		if ip := net.ParseIP(strings.TrimSpace(c)); ip != nil && a.deniedIP(ip) {
			return true
		}
	}
	return false
}

func (a access) deniedIP(ip net.IP) bool {
	if len(a.allow) > 0 {
		return !within(a.allow, ip)
	}
	return within(a.deny, ip)
}

func within(networks []*net.IPNet, ip net.IP) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
