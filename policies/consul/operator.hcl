# What an operator may do besides what reader.hcl lets them see: a token of theirs has both. ACLs and snapshots, which hold
# all tokens, take the management token, which is kept sealed.

# Take away a rule that stops every table of routes, while no Crumpet is there to do it.
key_prefix "fabio/config/" { policy = "write" }

# Take a node that is lost for good out of the catalog.
node_prefix "" { policy = "write" }

# End the session of a Crumpet that hangs, so that another leads.
session_prefix "" { policy = "write" }

# Force out a member that is lost for good, put an agent into maintenance, have it read its configuration again.
agent_prefix "" { policy = "write" }

# Take a lost server out of Raft, set autopilot.
operator = "write"

# Change the gossip's key.
keyring = "write"
