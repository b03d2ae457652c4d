# What an operator may do besides what reader.hcl lets them see: a token of theirs has both. Installing the platform's own
# jobs, namespaces and ACLs take a management token, which is kept sealed.

namespace "*" {
  capabilities = [
    # Read what the platform's own jobs log, and those of apps where a team asks for help.
    "read-logs",
    # Restart or stop one allocation that hangs.
    "alloc-lifecycle",
  ]
}

# Drain a node, and take it back.
node { policy = "write" }

# Force out a server that is lost for good, or have one join.
agent { policy = "write" }

# Set autopilot, which takes lost servers out of Raft, and the scheduler; save a snapshot. To take a server out by hand
# wants a management token.
operator { policy = "write" }
