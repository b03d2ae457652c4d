# What an operator may do in Vault besides what reader.hcl lets them see: a token of theirs has both. It reads no secret
# and writes no policy; for that the keepers make a root token together (vault operator generate-root), and revoke it.

# Save a snapshot, which is as secret as the storage, and as sealed.
path "sys/storage/raft/snapshot" {
  capabilities = ["read"]
}

# Take a server that is lost for good out of Raft.
path "sys/storage/raft/remove-peer" {
  capabilities = ["update"]
}

# Have another server lead, before a machine is worked on. Vault wants sudo.
path "sys/step-down" {
  capabilities = ["update", "sudo"]
}

# Seal it in an emergency: nothing is read any more until enough keepers unseal it. Vault wants sudo.
path "sys/seal" {
  capabilities = ["update", "sudo"]
}

# See where the audit log goes. Vault wants sudo.
path "sys/audit" {
  capabilities = ["read", "sudo"]
}

# See whether Vault is still as crumpet cluster up made it: the texts of policies, and whose identities and certificates
# are believed. None of it is secret.
path "sys/policies/acl/*" {
  capabilities = ["read"]
}
path "auth/jwt-nomad/config" {
  capabilities = ["read"]
}
path "auth/jwt-nomad/role/*" {
  capabilities = ["read"]
}
path "auth/cert/certs/operator" {
  capabilities = ["read"]
}
