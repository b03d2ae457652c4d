package fleet

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// The ports that Linux gives to outgoing connections, unless a machine says otherwise.
const (
	ephemeralFirst = 32768
	ephemeralLast  = 60999
)

// Warnings are what works in a valid fleet and is not wise, each at its key path.
func (f Fleet) Warnings() []paas.Fault {
	c := &checked{}
	switch n := len(f.Of(Server)); {
	case n == 1:
		c.fault("machine", "There is one server: without it nothing can be changed or rescheduled. Three survive the loss of one.")
	case n%2 == 0:
		c.fault("machine", "There are %d servers, which survive the loss of %d, as %d would: take an odd number.", n, (n-1)/2, n-1)
	case n > 7:
		c.fault("machine", "There are %d servers, and each write waits for %d of them: five survive the loss of two.", n, n/2+1)
	}
	if len(f.Of(Client)) == 1 {
		c.fault("machine", "There is one client: apps have nowhere to go when it is lost or drained.")
	}
	for _, p := range f.Programs {
		key := "program." + string(p.Name)
		switch {
		case p.Source == "":
		case p.SHA256 == "" && p.Sums == "":
			c.fault(key+".source", "program %q is taken as it lies at %s: nothing says what it must be. Add sha256.", p.Name, p.Source)
		case p.Sums != "" && p.Key == "":
			c.fault(key+".sums", "The sums of program %q are not signed: whoever can change the one can change the other. Add key.", p.Name)
		}
		if p.Name == Nomad && strings.Contains(p.Version, "dev") {
			c.fault(key+".version", "program %q is a version for development.", p.Name)
		}
	}
	c.faults = append(c.faults, f.keeping()...)
	if f.Clients.MinPort <= ephemeralLast && f.Clients.MaxPort >= ephemeralFirst {
		c.fault("clients.min_port", "The range of the apps' ports, %d to %d, overlaps that of outgoing connections, %d to %d on most machines: an app may find its port in use.", f.Clients.MinPort, f.Clients.MaxPort, ephemeralFirst, ephemeralLast)
	}
	if f.Init == Process {
		c.fault("init", "With init = \"process\" whatever ends stays ended until the next up: for trials, and machines without systemd.")
	}
	return c.faults
}

// keeping looks at who could unseal Vault.
func (f Fleet) keeping() []paas.Fault {
	if f.Seal.Kind != Shares || len(f.Keepers) == 0 {
		return nil
	}
	most := (f.Seal.Shares + len(f.Keepers) - 1) / len(f.Keepers) // the first keeper has most
	warn := func(format string, args ...any) []paas.Fault {
		return []paas.Fault{{Location: "seal", Message: fmt.Sprintf(format, args...)}}
	}
	switch {
	case len(f.Keepers) > f.Seal.Shares:
		return warn("There are %d shares for %d keepers: the last get none.", f.Seal.Shares, len(f.Keepers))
	case most >= f.Seal.Threshold:
		return warn("Keeper %q gets %d of the shares, and %d unseal Vault: one person alone can.", f.Keepers[0].Name, most, f.Seal.Threshold)
	}
	return nil
}
