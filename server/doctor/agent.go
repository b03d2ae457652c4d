package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What agents of Nomad should be told at least. Its own defaults of the first and the last are lower.
const (
	longKill     = 60 * time.Second
	defaultGrace = 10 * time.Second
	manyEvents   = 1000
)

func agents(l *findings, f Facts) {
	if f.Agents.Reason != "" {
		l.unknown(paas.OfAgent, "nomad", f.Agents.Reason, "How Nomad's agents are set up can't be said.", "nomad node status -verbose NODE")
		return
	}
	for _, a := range f.Agents.Is {
		if a.Client {
			client(l, f, a)
		}
		switch {
		case a.Down:
		case a.Settings == nil:
			l.unknown(paas.OfAgent, a.Name, a.Reason, "How long an app may take to end there, and what its server remembers, can't be said.",
				fmt.Sprintf("nomad agent-info -address=%s", urlOf(a)))
		default:
			settings(l, a)
		}
	}
}

func urlOf(a paas.NomadAgent) string {
	if a.TLS {
		return "https://" + a.Address
	}
	return "http://" + a.Address
}

func client(l *findings, f Facts, a paas.NomadAgent) {
	if a.Down {
		l.say(paas.Warning, paas.OfAgent, a.Name, fmt.Sprintf("Nomad does not hear from the client %s at %s.", a.Name, a.Address),
			"What ran there is placed elsewhere, if there is room.", fmt.Sprintf("journalctl -u crumpet-nomad -n 100   (on %s)", a.Name))
		return
	}
	if a.Consul == "" {
		l.say(paas.Critical, paas.OfAgent, a.Name, fmt.Sprintf("The client %s sees no Consul agent.", a.Name),
			"Nothing that starts there is registered, so no router finds it.", fmt.Sprintf("consul members   (on %s)", a.Name))
	}
	if m := f.Machine.Is; f.Machine.Reason == "" && a.MinPort > 0 && m.FirstEph > 0 && a.MinPort <= m.LastEph && a.MaxPort >= m.FirstEph {
		l.say(paas.Critical, paas.OfAgent, a.Name, fmt.Sprintf(
			"The dynamic ports of the client %s, %d to %d, lie within those that the kernel gives to outgoing connections, %d to %d on machine %s.",
			a.Name, a.MinPort, a.MaxPort, m.FirstEph, m.LastEph, m.Name),
			"An instance can't start when its port was just given to a connection, now and then and nobody knows why.",
			"client { min_dynamic_port = 20000, max_dynamic_port = 32000 }   (in Nomad's configuration there)")
	}
}

func settings(l *findings, a paas.NomadAgent) {
	s := a.Settings
	if a.Client {
		if s.MaxKillTimeout > 0 && s.MaxKillTimeout < longKill {
			l.say(paas.Warning, paas.OfAgent, a.Name, fmt.Sprintf("max_kill_timeout of %s is %s.", a.Name, s.MaxKillTimeout),
				"An app that wishes for a longer kill_timeout is killed earlier, and nobody tells it.",
				`client { max_kill_timeout = "5m" }   (in Nomad's configuration there)`)
		}
		if a.Exec && s.ChrootEnv == 0 {
			l.say(paas.Warning, paas.OfAgent, a.Name, fmt.Sprintf("The driver exec of %s builds Nomad's default chroot.", a.Name),
				"Each start links or copies /usr, /lib, /bin and /etc: 9 s were seen. Artifacts bring what they need.",
				`client { chroot_env { "/etc/ssl" = "/etc/ssl" } }   (in Nomad's configuration there)`)
		}
	}
	if a.Server {
		if s.EventBufferSize > 0 && s.EventBufferSize < manyEvents {
			l.say(paas.Warning, paas.OfAgent, a.Name, fmt.Sprintf("event_buffer_size of %s is %d.", a.Name, s.EventBufferSize),
				"A burst of more events cuts Crumpet's stream off, and it reads everything again.",
				fmt.Sprintf("server { event_buffer_size = %d }   (in Nomad's configuration there)", manyEvents))
		}
		if grace := cmp.Or(s.HeartbeatGrace, defaultGrace); grace < defaultGrace {
			l.say(paas.Warning, paas.OfAgent, a.Name, fmt.Sprintf("heartbeat_grace of %s is %s.", a.Name, grace),
				"A client that is away for little longer than its heartbeat loses all its instances to other nodes: one that restarts for an upgrade is.",
				`server { heartbeat_grace = "10s" }   (in Nomad's configuration there)`)
		}
	}
}

// sharedConsul names clients that register at one Consul agent: each takes the other's services for leftovers of its
// own, and deregisters them.
func sharedConsul(l *findings, f Facts) {
	at := map[string][]string{}
	for _, a := range f.Agents.Is {
		if a.Client && !a.Down && a.Consul != "" {
			at[a.Consul] = append(at[a.Consul], a.Name)
		}
	}
	for consul, clients := range at {
		if len(clients) > 1 {
			slices.Sort(clients)
			l.say(paas.Critical, paas.OfAgent, consul, fmt.Sprintf("The Nomad clients %s register services at one Consul agent, %s.", strings.Join(clients, ", "), consul),
				"Each deregisters what the other has registered: routes come and go.", "consul { address = \"127.0.0.1:8500\" }   (in Nomad's configuration of each, with a Consul agent of its own)")
		}
	}
}
