# What a client of Nomad may do in Consul. It finds the servers by its own configuration; with client_auto_join it needs
# node_prefix "" { policy = "read" } besides.

# Register the services of the apps on its node and take them away again, besides its own, nomad-client. Where services
# log in with an identity of their own (docs/policies.md) Nomad still takes them away with this token: theirs may have
# ended. Names of apps' services begin with the team's, so no prefix is shorter than none.
service_prefix "" { policy = "write" }

# Whether there is a Consul, and of which version and edition: GET /v1/agent/self. Without it no job that has a service
# is placed on the node.
agent_prefix "" { policy = "read" }
