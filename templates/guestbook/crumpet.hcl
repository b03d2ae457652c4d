app "crumpetapp" {
  build { builder = "go" }

  # A database of its own. Its address comes in DATABASE_URL, with a user that is made for each instance
  # and ends with it: there is no password to keep, and none to leak.
  service "db" {
    offering = "postgres"
    plan     = "small"
  }

  process "web" {
    command   = ["./crumpetapp"]
    instances = 2
    memory    = "64MiB"
    port "http" {}
    route "crumpetapp.localhost/" {}
    health { path = "/healthz" }
  }
}
