# What a server of Nomad may do in Consul. It finds the others by its own configuration; with server_auto_join it needs
# node_prefix "" { policy = "read" } besides.

# Make itself known: the services nomad of http, rpc and serf.
service "nomad" { policy = "write" }

# Whether there is a Consul, and of which version and edition: GET /v1/agent/self.
agent_prefix "" { policy = "read" }
