app "crumpetapp" {
  build { builder = "go" }

  process "web" {
    command   = ["./crumpetapp"]
    instances = 2
    memory    = "64MiB"
    port "http" {}
    route "crumpetapp.localhost/" {}
    health { path = "/healthz" }
  }

  process "worker" {
    command = ["./crumpetapp", "-worker"]
    memory  = "64MiB"
  }

  env = { GREETING = "Hello from crumpetapp" }
}
