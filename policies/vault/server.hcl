# What Crumpet's own server may do in Vault, and nothing beyond. An operator loads it once, under a name
# that the server itself can't write (crumpet, not crumpet-...), and gives the server a periodic token:
#
#   vault policy write crumpet server.hcl
#   vault token create -orphan -period=72h -policy=crumpet -no-default-policy
#
# The names of mounts are Crumpet's defaults: crumpet/ (KV version 2), jwt-nomad/ (JWT auth that believes
# Nomad's keys) and database/. Change them here where they differ.
#
# What it can't be kept from: who may write policies and roles below crumpet- can write one that allows
# more. Guard this token as what it is, that of the platform; it never goes into a job.

# Crumpet's own keys: the one that signs the addresses of artifacts, and those to come. Made once, read at
# each start. No delete: a lost key can't be made again.
path "crumpet/data/platform/*" {
  capabilities = ["create", "read", "update"]
}

# Config and secrets of apps: each set writes a version (create: the first one, update: the next), and
# reveal reads one.
path "crumpet/data/apps/*" {
  capabilities = ["create", "read", "update"]
}

# Which versions there are, how many are kept (create: said before the first version is written, update:
# changed later), and all of them deleted with the app. No list: the store knows which apps there are.
path "crumpet/metadata/apps/*" {
  capabilities = ["create", "read", "update", "delete"]
}

# Destroy single versions for good: the old generations of a binding's credentials must not wait for their turn.
path "crumpet/destroy/apps/*" {
  capabilities = ["update"]
}

# What was given for service instances and their bindings (parameters, credentials given by hand), and the
# credentials of service keys. No policy of an app reaches it: an app reads its bindings below apps/.
path "crumpet/data/services/*" {
  capabilities = ["create", "read", "update"]
}

# How many versions of that are kept, said once the first is written, and all of them deleted with the instance, the
# binding or the key.
path "crumpet/metadata/services/*" {
  capabilities = ["update", "delete"]
}

# End a key: its one version is destroyed, as are the old generations of a binding above.
path "crumpet/destroy/services/*" {
  capabilities = ["update"]
}

# Passwords of brokers stand below platform/, too, and go when the broker is removed: only the newest is
# kept. The platform's keys stay out of reach of a delete: the star begins below providers/.
path "crumpet/metadata/platform/providers/*" {
  capabilities = ["update", "delete"]
}

# Make the KV mount at the first start. Take this away where an operator has made it.
path "sys/mounts/crumpet" {
  capabilities = ["update"]
}

# One role for each app, bound to its namespace and to its exact job ids. Create and update, as Vault tells
# a new role from a change. The mount's config, which says whose identities are believed, is not here.
path "auth/jwt-nomad/role/crumpet-*" {
  capabilities = ["create", "update", "delete"]
}

# One policy for each app: app.hcl, filled in. The star can't reach the policy "crumpet" itself.
path "sys/policies/acl/crumpet-*" {
  capabilities = ["update", "delete"]
}

# Database servers that an operator registers with Crumpet, the role of each binding on them, and a new
# password for the account by which Vault makes users.
path "database/config/crumpet-*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "database/roles/crumpet-*" {
  capabilities = ["create", "update", "delete"]
}
path "database/rotate-root/crumpet-*" {
  capabilities = ["update"]
}

# A credential for a person or a program outside of Nomad (a service key).
path "database/creds/crumpet-*" {
  capabilities = ["read"]
}

# Count the credentials of a role: a rotation ends the old ones once every running task has a new one. The
# answer holds ids of leases, by which nothing can be read. Vault wants sudo for a list of leases.
path "sys/leases/lookup/database/creds/crumpet-*" {
  capabilities = ["list", "sudo"]
}

# End credentials at unbinding: all of a binding's role at once, and a single key's by its lease. Vault
# wants sudo for a prefix.
path "sys/leases/revoke-prefix/database/creds/crumpet-*" {
  capabilities = ["update", "sudo"]
}
path "sys/leases/revoke" {
  capabilities = ["update"]
}

# Keep the own token alive, and see when it ends.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

# Who leads, who votes and how many servers may be lost: the state of autopilot, which the doctor looks at. Whether a
# server is sealed Vault tells without a token.
path "sys/storage/raft/autopilot/state" {
  capabilities = ["read"]
}
