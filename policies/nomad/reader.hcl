# What somebody may see who looks after the platform and changes nothing: the checks of a doctor, dashboards, a person on
# call. No logs, no files, no variables: those are of the teams.

namespace "*" {
  capabilities = [
    # Which jobs run, Crumpet's and others.
    "list-jobs",
    # Where their allocations are, and why one was not placed.
    "read-job",
    # Volumes, and on which node they are.
    "host-volume-read",
  ]
}

# Nodes: whether they are ready, draining or down, and their drivers.
node { policy = "read" }

# Members of the gossip, the agent's version and configuration.
agent { policy = "read" }

# The health of autopilot: which servers there are, of which version, and how many may be lost. Raft's own list of peers
# Nomad shows to a management token only.
operator { policy = "read" }
