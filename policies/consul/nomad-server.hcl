# What a server of Nomad may do in Consul.

# Make itself known: the services nomad of http, rpc and serf.
service "nomad" { policy = "write" }

# Find the other servers: Consul shows services only with the node that they are on.
node_prefix "" { policy = "read" }

# Whether there is a Consul, and of which version and edition: GET /v1/agent/self.
agent_prefix "" { policy = "read" }
