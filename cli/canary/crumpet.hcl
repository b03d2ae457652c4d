app "canary" {
  build {
    builder = "static"
    dir     = "public"
  }

  # The program that serves static sites answers as a canary where this is set.
  env = { VERIFY_CANARY = "1" }

  process "web" {
    instances = 2
    memory    = "64MiB"
    port "http" {}
    health { path = "/" }
  }
}
