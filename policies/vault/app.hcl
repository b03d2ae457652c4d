# What the tasks of the app APP of team TEAM may do in Vault. Crumpet writes this file as the policy
# crumpet-TEAM--APP when the app first needs Vault, with the words in capitals replaced, and deletes it
# with the app. Vault denies what no line allows: other apps and teams, list, metadata, writes, sys/.

# Read the config and secrets of this app, all versions: Nomad renders the version that a release pins.
# The slash before the star ends the app's name, so that "shop" is not let into "shop-staging". Only
# data/ stands here, not metadata/: an app neither lists names nor learns who has which versions.
path "MOUNT/data/apps/TEAM/APP/*" {
  capabilities = ["read"]
}

# Get a database credential of a binding of this app. Reading makes Vault create the database user, with
# a lease that ends with the task's token. No name of a team or an app holds two dashes, so nothing else
# begins with TEAM--APP--.
path "DATABASE/creds/crumpet-TEAM--APP--*" {
  capabilities = ["read"]
}

# Renew such a lease, as Nomad does while the task runs. Vault takes the lease's id in the body, so that
# the path can't name the app; the id is 24 random characters that only its owner was told, and to renew
# is all that may be done with it: not to look it up, not to revoke it.
path "sys/leases/renew" {
  capabilities = ["update"]
}

# Keep the own token alive, and see when it ends: Nomad does both while the task runs. The token comes
# without Vault's default policy, which would allow more.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
