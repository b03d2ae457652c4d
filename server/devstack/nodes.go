package devstack

import (
	"fmt"
	"os"
	"path/filepath"
)

// Node is one client of the stack's Nomad. The first is in the agent that is the server, too; each further one is a
// client of its own, which can be killed, held back and started again alone.
type Node struct {
	Name          string   `json:"name"`
	Children      []string `json:"children"` // what dies with such a machine, as in Pids
	FirstTaskPort int      `json:"first_task_port"`
	LastTaskPort  int      `json:"last_task_port"`
}

// nodeName is dev, dev-2, dev-3...
func nodeName(node int) string { return numbered("dev", node) }

func numbered(name string, node int) string {
	if node == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, node+1)
}

func (b builder) describeNodes() []Node {
	nodes := make([]Node, b.nodes)
	for i := range nodes {
		nodes[i] = Node{Name: nodeName(i), Children: []string{numbered("nomad", i)}}
		nodes[i].FirstTaskPort, nodes[i].LastTaskPort = b.ports.taskPorts(i, b.nodes)
		if i == 0 || b.stack.Programs.Consul.Real() {
			nodes[i].Children = append(nodes[i].Children, numbered("consul", i))
		}
	}
	return nodes
}

// heartbeats let a node be missed early where there is another to go to: 7 to 10 s after its last word. Nomad asks a
// client to come back after min_heartbeat_ttl up to twice of that, and waits heartbeat_grace longer; by its defaults,
// 10 s each, a node is down after 20 to 30 s. It takes lower values than these, too, and would then call a node down that
// is only busy.
func (b builder) heartbeats() string {
	if b.nodes == 1 {
		return ""
	}
	return `  min_heartbeat_ttl      = "3s"
  heartbeat_grace        = "4s"
  failover_heartbeat_ttl = "30s"
`
}

// furtherConsul is the agent of a further node: two clients on one agent would deregister each other's services.
func (b builder) furtherConsul(node int) (Child, error) {
	name := numbered("consul", node)
	if _, err := b.folder(name); err != nil {
		return Child{}, err
	}
	ports := b.ports.Further[node-1]
	c := Child{Name: name, Log: b.logFile(name), Ready: consulReady("http://" + local(ports.Consul)), Hold: b.holdFile(name)}
	config, err := b.configure(name, "consul.hcl", func(b builder) string { return furtherConsulConfig(b, node) })
	c.Argv = []string{b.stack.Programs.Consul.Path, "agent", "-config-file", config}
	return c, err
}

// furtherConsulConfig keeps Consul's gossip of a LAN: a dead machine is critical after 5 s or so.
func furtherConsulConfig(b builder, node int) string {
	ports := b.ports.Further[node-1]
	return fmt.Sprintf(`# written by crumpet dev at each start
server               = false
datacenter           = "dc1"
node_name            = %q
data_dir             = %q
bind_addr            = "127.0.0.1"
client_addr          = "127.0.0.1"
retry_join           = ["127.0.0.1:%d"]
retry_interval       = "1s"
disable_update_check = true
leave_on_terminate   = false
skip_leave_on_interrupt = true
ports {
  http     = %d
  dns      = -1
  grpc     = -1
  serf_lan = %d
  serf_wan = -1
}
`, nodeName(node), filepath.Join(b.dir, numbered("consul", node), "data"), b.ports.ConsulSerf, ports.Consul, ports.ConsulSerf)
}

// furtherNomad is a client agent, or a further client of the stand-in.
func (b builder) furtherNomad(node int) (Child, error) {
	name := numbered("nomad", node)
	if _, err := b.folder(name); err != nil {
		return Child{}, err
	}
	c := Child{Name: name, Log: b.logFile(name), Hold: b.holdFile(name)}
	if !b.stack.Programs.Nomad.Real() {
		first, last := b.ports.taskPorts(node, b.nodes)
		c.Ready = httpReady(b.stack.Nomad + "/v1/devstack/client/" + nodeName(node))
		c.Argv = b.embedded("client", "--nomad", b.stack.Nomad, "--name", nodeName(node), "--min-port", fmt.Sprint(first), "--max-port", fmt.Sprint(last))
		return c, nil
	}
	c.Ready = realNomadReady("http://"+local(b.ports.Further[node-1].Nomad), nodeName(node))
	config, err := b.configure(name, "nomad.hcl", func(b builder) string { return furtherNomadConfig(b, node) })
	c.Argv = []string{b.stack.Programs.Nomad.Path, "agent", "-config", config}
	return c, err
}

func furtherNomadConfig(b builder, node int) string {
	ports := b.ports.Further[node-1]
	consul := b.ports.Consul // the stand-in is one agent for all
	if b.stack.Programs.Consul.Real() {
		consul = ports.Consul
	}
	return fmt.Sprintf(`# written by crumpet dev at each start
name                 = %q
region               = "global"
datacenter           = "dc1"
data_dir             = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
leave_on_interrupt   = false
leave_on_terminate   = false
ports {
  http = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
`, nodeName(node), filepath.Join(b.dir, numbered("nomad", node)), ports.Nomad) + nomadClientConfig(b, node, consul)
}

// cgroupParent keeps the tasks of two clients on one machine apart.
func cgroupParent(b builder, node int) string {
	if node == 0 {
		return ""
	}
	parent := fmt.Sprintf("/nomad-%d", b.ports.Further[node-1].Nomad)
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		parent = fmt.Sprintf("nomad%d.slice", b.ports.Further[node-1].Nomad)
	}
	return fmt.Sprintf("  cgroup_parent     = %q\n", parent)
}

// holdFile keeps a child that has ended from being started again, as long as it is there: so a dead machine stays dead.
func (b builder) holdFile(name string) string { return filepath.Join(b.dir, name, "hold") }
