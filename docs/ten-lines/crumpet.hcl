app "shop" {
  env = { GREETING = "hi" }
  process "web" {
    command   = ["./shop"]
    instances = 3
    port "http" {}
    route "shop.example.com/" {}
    health { path = "/health" }
  }
}
