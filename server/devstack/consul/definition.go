package consul

import (
	"net/http"
	"reflect"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// definition is how a check is run: by HTTP, by TCP, by gRPC, or not at all (TTL).
type definition struct {
	HTTP, TCP, GRPC    string        `json:",omitempty"`
	Method, Body       string        `json:",omitempty"`
	Header             http.Header   `json:",omitempty"`
	TLSServerName      string        `json:",omitempty"`
	TLSSkipVerify      bool          `json:",omitempty"`
	TCPUseTLS          bool          `json:",omitempty"`
	GRPCUseTLS         bool          `json:",omitempty"`
	Interval, Timeout  time.Duration `json:",omitempty"`
	TTL                time.Duration `json:",omitempty"`
	DeregisterAfter    time.Duration `json:",omitempty"`
	SuccessBeforePass  int           `json:",omitempty"`
	FailuresBeforeWarn int           `json:",omitempty"`
	FailuresBeforeCrit int           `json:",omitempty"`
}

func (d *definition) kind() string {
	switch {
	case d.HTTP != "":
		return "http"
	case d.TCP != "":
		return "tcp"
	case d.GRPC != "":
		return "grpc"
	default:
		return "ttl"
	}
}

func isEmpty(c *consulapi.AgentServiceCheck) bool {
	return c == nil || reflect.DeepEqual(*c, consulapi.AgentServiceCheck{})
}

// define reads the check of a registration; what Consul has and this stand-in has not is refused by name.
func (s *Server) define(c *consulapi.AgentServiceCheck) (*definition, error) {
	for name, used := range map[string]bool{
		"script": len(c.Args) > 0, "docker": c.DockerContainerID != "", "udp": c.UDP != "",
		"h2ping": c.H2PING != "", "alias": c.AliasService != "" || c.AliasNode != "",
	} {
		if used {
			return nil, failf(http.StatusNotImplemented, "the embedded Consul has no %s checks, only http, tcp, grpc and ttl", name)
		}
	}
	d := &definition{
		HTTP: c.HTTP, TCP: c.TCP, GRPC: c.GRPC, GRPCUseTLS: c.GRPCUseTLS, Method: c.Method, Body: c.Body, Header: c.Header,
		TLSServerName: c.TLSServerName, TLSSkipVerify: c.TLSSkipVerify, TCPUseTLS: c.TCPUseTLS,
		SuccessBeforePass: c.SuccessBeforePassing, FailuresBeforeWarn: c.FailuresBeforeWarning, FailuresBeforeCrit: c.FailuresBeforeCritical,
	}
	if d.FailuresBeforeWarn == 0 {
		d.FailuresBeforeWarn = d.FailuresBeforeCrit
	}
	for _, f := range []struct {
		name, text string
		into       *time.Duration
	}{
		{"interval", c.Interval, &d.Interval},
		{"timeout", c.Timeout, &d.Timeout},
		{"TTL", c.TTL, &d.TTL},
		{"deregister critical service after", c.DeregisterCriticalServiceAfter, &d.DeregisterAfter},
	} {
		if f.text == "" {
			continue
		}
		v, err := time.ParseDuration(f.text)
		if err != nil {
			return nil, failf(http.StatusBadRequest, "Request decode failed: invalid %s: %v", f.name, err)
		}
		*f.into = v
	}
	ways := 0
	for _, target := range []string{d.HTTP, d.TCP, d.GRPC} {
		if target != "" {
			ways++
		}
	}
	polled := ways > 0
	switch {
	case ways > 1:
		return nil, failf(http.StatusBadRequest, "Invalid check: a check is one of HTTP, TCP and gRPC")
	case polled && d.TTL > 0:
		return nil, failf(http.StatusBadRequest, "Invalid check: Interval and TTL cannot both be specified")
	case polled && d.Interval <= 0:
		return nil, failf(http.StatusBadRequest, "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks")
	case !polled && d.TTL <= 0:
		return nil, failf(http.StatusBadRequest, "Invalid check: TTL must be > 0 for TTL checks")
	}
	if polled {
		d.Interval = max(d.Interval, s.cfg.CheckIntervalMin)
	}
	if d.DeregisterAfter > 0 {
		d.DeregisterAfter = max(d.DeregisterAfter, s.cfg.DeregisterAfterMin)
	}
	return d, nil
}

func validStatus(status string) bool {
	switch status {
	case consulapi.HealthPassing, consulapi.HealthWarning, consulapi.HealthCritical:
		return true
	}
	return false
}
