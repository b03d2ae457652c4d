# What the agent of Consul on the node NODE may do, a server's or a client's: the token "agent" of its configuration.
# Crumpet replaces the word NODE; each node has a token of its own, so that a stolen one makes no other node up.

# Keep the node itself in the catalog: its address, its own checks, its coordinates.
node "NODE" { policy = "write" }

# Compare what the catalog has of this node's services with what was registered here. What was registered carries the
# token by which it is written.
service_prefix "" { policy = "read" }
