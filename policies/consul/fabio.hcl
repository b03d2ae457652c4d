# What Fabio may do in Consul. Nomad registers it, with checks, as it does any other service. One that registers itself
# (registry.consul.register.enabled) needs service "fabio" { policy = "write" } besides, and one with a page of its own for
# where there is no route, key "fabio/noroute.html" { policy = "read" }.

# The rules of all apps. Fabio only reads them (ui.access = ro).
key_prefix "fabio/config/" { policy = "read" }

# Which services there are, with their tags, and whether their checks pass.
service_prefix "" { policy = "read" }

# Consul shows services and checks only with the node that they are on, and that node's own check with it.
node_prefix "" { policy = "read" }

# The name of the datacenter, asked of the agent once at the start: Fabio ends where it may not.
agent_prefix "" { policy = "read" }
