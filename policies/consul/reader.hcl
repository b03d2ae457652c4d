# What somebody may see who looks after the platform and changes nothing: the checks of a doctor, dashboards, a person on
# call.

# Every service, and whether its checks pass.
service_prefix "" { policy = "read" }

# The nodes and members, and on which node a service is.
node_prefix "" { policy = "read" }

# The rules of routes, to compare them with the store and with every Fabio's table.
key_prefix "fabio/config/" { policy = "read" }

# Who leads Crumpet, and what was put aside.
key_prefix "crumpet/" { policy = "read" }

# The session that holds the lead.
session_prefix "" { policy = "read" }

# Version and configuration of agents, and their metrics.
agent_prefix "" { policy = "read" }

# Raft's peers and the health of autopilot.
operator = "read"
