# Every key of `crumpet server --config FILE`, with its default. Order: default < this file < environment < flags.

# name      = ""                    # of this server among several; the machine's                CRUMPET_NAME
listen      = "127.0.0.1:4780"      # address of the HTTP API                                   CRUMPET_LISTEN
# advertise = "http://10.0.0.5:4780" # URL under which nodes fetch artifacts; http://LISTEN      CRUMPET_ADVERTISE
# url       = "https://crumpet.example.com" # URL at which browsers reach Crumpet, https unless on this machine; ADVERTISE   CRUMPET_URL
# trusted_proxies = ["10.0.0.0/24"] # addresses of what stands before the API (Fabio, a TLS proxy): limits and audit take the caller from its X-Forwarded-For
data        = "/var/lib/crumpet"    # store, artifacts and build caches                         CRUMPET_DATA
domain      = "localhost"           # an app without a route gets APP.DOMAIN/                   CRUMPET_DOMAIN
drivers     = ["exec"]              # Nomad drivers allowed, the first is used; raw_exec gives tasks the whole node
datacenters = ["*"]                 # where jobs may run
# What apps may write into nomad { } blocks: "*", "group.*", "task.*" or one field, such as "task.Resources". A
# field can reach past an app's own things ("task.Driver", "task.Vault"): allow what you have read about. So can a
# function of a file's template, which is allowed by its name: "template.service", or "template.*".
nomad_fragments = []
log_level   = "info"                # debug, info, warn, error                                  CRUMPET_LOG_LEVEL
# first_token_file = ""             # holds the operators' token that a new store is to know; made as DATA/root-token

store {
  # path     = "/var/lib/crumpet/crumpet.db" # SQLite file, for one server; DATA/crumpet.db
  # url      = "postgres://crumpet@10.0.0.4/crumpet" # or PostgreSQL 12 and newer, for several            CRUMPET_STORE_URL
  # url_file = ""                   # or the file that holds the URL, with its password
}

nomad {
  address = "http://127.0.0.1:4646" # NOMAD_ADDR
  # region    = "global"            # NOMAD_REGION; the agent's own
  # token     = ""                  # NOMAD_TOKEN: may submit jobs, read allocations and logs in the teams' namespaces
  # ca_file   = ""                  # NOMAD_CACERT
  # cert_file = ""                  # NOMAD_CLIENT_CERT
  # key_file  = ""                  # NOMAD_CLIENT_KEY
}

consul {
  address = "http://127.0.0.1:8500" # CONSUL_HTTP_ADDR
  # datacenter = "dc1"              # the agent's own
  # token      = ""                 # CONSUL_HTTP_TOKEN: reads services and health, writes below `rules`
  rules = "fabio/config/crumpet/"   # KV prefix of router rules; Fabio's registry.consul.kvpath must be above it
  service = "crumpet"               # name under which Crumpet's own servers are registered; the token may write it
  # tags  = ["urlprefix-crumpet.example.com/"] # of that service: such a one has Fabio lead to every server
  lock = "crumpet/leader"           # with PostgreSQL: KV key whose holder leads; the token may write it, and sessions
}

vault {
  address = "http://127.0.0.1:8200" # VAULT_ADDR
  # token      = ""                 # VAULT_TOKEN: periodic, with the policy policies/vault/server.hcl; the server renews it
  # token_file = ""                 # or the file that holds it, read for each call: put a new one there at any time
  mount    = "crumpet"              # KV v2 of Crumpet's own keys, and of apps' configuration
  jwt      = "jwt-nomad"            # JWT auth that believes Nomad's identities: jobs of apps log in there
  audience = "vault.io"             # of those identities
  database = "database"             # database engine, by which bindings get users of their own
}

fabio {
  # addresses = ["http://10.0.0.7:9998"] # admin APIs of EVERY router; empty: those that Consul knows as `service`
  service = "fabio"
  url     = "http://127.0.0.1:9999" # where requests for apps go in
}

build {
  timeout       = "10m"  # of one build
  concurrent    = 1      # builds at once
  max_source    = "1GiB" # of one source, unpacked
  max_upload    = "1GiB" # of one upload, compressed
  max_log_lines = 5000   # of one build that are kept
  # platform    = "linux/amd64" # GOOS/GOARCH of the nodes; linux and the server's own architecture
}

retention {
  releases  = 50    # of each app; those that run or may be rolled back to stay in any case
  age       = "90d" # of a release
  rollbacks = 5     # the last releases of an app that were healthy stay at any age
  events    = "30d" # events, ended deployments, runs and builds
  content   = "7d"  # uploads and artifacts that no release and no build names, since they were last used
  every     = "10m" # between two looks
}

# How people sign in, beside local users (crumpet users create) with passwords of Crumpet's own.
# oidc "corp" {                       # redirect URI at the provider: URL/v1/login/oidc/corp/callback
#   issuer             = "https://login.example.com"
#   client_id          = "crumpet"
#   client_secret_file = "/etc/crumpet/oidc-secret" # read for each sign-in; leave it out for a public client
#   scopes             = ["profile", "email"]       # beside openid; many providers want "groups" as well
#   groups_claim       = "groups"             # claim that lists a person's groups
#   name_claim         = "preferred_username" # claim that a new user is named after
#   group "shop-devs" {
#     team = "shop"
#     role = "developer"              # viewer, developer or maintainer
#   }
#   group "platform" {
#     admin = true                    # of the platform: the provider's groups alone say who of its people is one
#   }
# }

session {
  idle     = "2h"  # a browser that makes no call for so long must sign in again
  absolute = "24h" # and so must every browser
}

limits {
  rate        = 50  # calls a second of one token or session, in the long run; more are answered 429
  burst       = 200 # and so many at once
  login_rate  = 1   # likewise of one address without valid credentials: sign-ins above all
  login_burst = 20
}
