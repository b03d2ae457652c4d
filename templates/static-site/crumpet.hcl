app "crumpetapp" {
  build {
    builder = "static"
    dir     = "public"
  }

  process "web" {
    instances = 2
    port "http" {}
    route "crumpetapp.localhost/" {}
    health { path = "/" }
  }
}
