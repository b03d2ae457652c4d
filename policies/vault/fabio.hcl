# What a Fabio that runs as a job of the platform may do in Vault. It logs in by the identity of its own task.

# Read its token for Consul, and nothing else of the platform's.
path "crumpet/data/platform/fabio" {
  capabilities = ["read"]
}

# Nomad keeps the token that it has got for the task alive.
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
