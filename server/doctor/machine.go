package doctor

import (
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func machine(l *findings, f Facts) {
	m := f.Machine.Is
	switch {
	case f.Machine.Reason != "":
		l.unknown(paas.OfMachine, "this server", f.Machine.Reason, "Whether dynamic ports collide with outgoing connections can't be said.", "sysctl net.ipv4.ip_local_port_range   (on each client)")
	case m.Swap > 0:
		l.say(paas.Warning, paas.OfMachine, m.Name, fmt.Sprintf("Swap is on where this Crumpet server runs: %d MB.", m.Swap>>20),
			"An app that takes more memory than there is makes all others slow, instead of being ended.", "swapoff -a   (and take it out of /etc/fstab)")
	}
}
