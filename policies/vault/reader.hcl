# What somebody may see of Vault who looks after the platform and changes nothing. No line reaches a secret, and none the
# text of a policy. Whether it is sealed, and who leads, Vault says without a token.

# Raft's peers, and the health of autopilot.
path "sys/storage/raft/configuration" {
  capabilities = ["read"]
}
path "sys/storage/raft/autopilot/state" {
  capabilities = ["read"]
}

# The nodes of the cluster, with their versions.
path "sys/ha-status" {
  capabilities = ["read"]
}

# Counters, and how many leases there are.
path "sys/metrics" {
  capabilities = ["read"]
}

# Which engines and auth methods there are: Crumpet needs three.
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/auth" {
  capabilities = ["read"]
}

# The names of apps' roles and policies, to compare them with the store.
path "auth/jwt-nomad/role" {
  capabilities = ["list"]
}
path "sys/policies/acl" {
  capabilities = ["list"]
}

# Keep the own token alive, and see when it ends.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
