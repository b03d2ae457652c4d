# Fabio on every node: what clients' requests go in by. `crumpet install` runs it; by hand:
#
#   nomad job run -var version=1.7.3 -var driver=raw_exec -var command=/opt/crumpet/bin/fabio fabio.nomad.hcl

variable "namespace" {
  type        = string
  default     = "crumpet--platform" # no team can have this name: two dashes
  description = "Nomad namespace of the platform's own jobs."
}

variable "datacenters" {
  type    = list(string)
  default = ["*"]
}

variable "node_pool" {
  type        = string
  default     = "default"
  description = "Pool of the nodes that get a router."
}

variable "version" {
  type        = string
  description = "What runs: another version replaces the routers, one node at a time."
}

variable "driver" {
  type    = string
  default = "exec"
}

variable "user" {
  type        = string
  default     = "nobody"
  description = "exec lets it have ports below 1024 by the capability net_bind_service."
}

variable "uid" {
  type        = number
  default     = 65534
  description = "Number of that user, who alone may read the configuration."
}

variable "command" {
  type        = string
  description = "Path of the program, as the task sees it."
}

variable "volume" {
  type        = string
  default     = ""
  description = "Host volume that holds the program: mounted at /programs."
}

variable "source" {
  type        = string
  default     = ""
  description = "URL of the program, or of an archive that holds it: put at local/program."
}

variable "checksum" {
  type        = string
  default     = ""
  description = "Of what source names: sha256:HEX."
}

variable "router_address" {
  type        = string
  default     = ""
  description = "Address that the routers listen on; every address of the node unless said."
}

variable "router_port" {
  type    = number
  default = 80
}

variable "admin_port" {
  type        = number
  default     = 9998
  description = "Of the routers' API, which Crumpet reads and nobody can write to."
}

variable "consul_address" {
  type        = string
  default     = "127.0.0.1:8500"
  description = "Of the node's Consul agent, as the task reaches it, without TLS."
}

variable "consul_acl" {
  type        = bool
  default     = false
  description = "Consul wants a token: it is read from Vault, at crumpet/platform/fabio."
}

variable "vault_audience" {
  type    = string
  default = "vault.io"
}

locals {
  # An archive is unpacked, anything else is the program itself.
  archive = regex_replace(var.source, "[.](zip|tar[.]gz|tgz)$", "") != var.source
}

job "fabio" {
  namespace   = var.namespace
  type        = "system"
  datacenters = var.datacenters
  node_pool   = var.node_pool
  priority    = 95 # above every app, and above Crumpet: without it nobody gets in

  # One node after the other, and the next only when the one before leads clients again. A node has one router port, so
  # that its router is away between the two: what stands before several nodes sees by /health, or by Consul, which one.
  update {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "5s"
    healthy_deadline = "2m"
    stagger          = "10s" # for Nomad before 1.11, which has no deployments of system jobs
  }

  meta {
    version = var.version
  }

  group "fabio" {
    # Out of Consul first, so that others lead clients elsewhere, and serving all the while.
    shutdown_delay = "10s"

    restart {
      attempts = 10
      interval = "5m"
      delay    = "3s"
      mode     = "delay" # there is no other node for it
    }

    # A node that was silent and is back goes on with its router. Without it Nomad ends it and starts another, which fails
    # for good where Vault has no leader yet: Nomad does not try an instance of a system job again.
    disconnect {
      lost_after = "24h"
    }

    network {
      mode = "host"
      port "http" {
        static = var.router_port
      }
      port "admin" {
        static = var.admin_port
      }
      port "metrics" {}
    }

    dynamic "volume" {
      for_each = var.volume == "" ? [] : [var.volume]
      labels   = ["programs"]
      content {
        type      = "host"
        source    = volume.value
        read_only = true
      }
    }

    # By this name Crumpet finds every router's API. Fabio doesn't register itself: it would stay in Consul until it ends.
    service {
      name     = "fabio"
      provider = "consul"
      port     = "admin"
      check {
        name     = "health"
        type     = "http"
        path     = "/health"
        interval = "5s"
        timeout  = "2s"
      }
    }

    task "fabio" {
      driver       = var.driver
      user         = var.user
      kill_timeout = "20s" # requests under way get 15 s of it; longer ones and websockets are cut

      config {
        command = var.command
        args    = ["-cfg", "${NOMAD_SECRETS_DIR}/fabio.properties"]
      }

      dynamic "volume_mount" {
        for_each = var.volume == "" ? [] : ["programs"]
        content {
          volume      = volume_mount.value
          destination = "/programs"
          read_only   = true
        }
      }

      dynamic "artifact" {
        for_each = var.source == "" ? [] : [var.source]
        content {
          source      = artifact.value
          destination = local.archive ? "local/program" : "local/program/fabio"
          mode        = local.archive ? "any" : "file"
          options { checksum = var.checksum }
        }
      }

      dynamic "identity" {
        for_each = var.consul_acl ? ["vault_default"] : []
        content {
          name = identity.value
          aud  = [var.vault_audience]
          ttl  = "1h"
        }
      }

      dynamic "vault" {
        for_each = var.consul_acl ? ["fabio"] : []
        content {
          role        = vault.value
          env         = false
          change_mode = "noop" # it reads one secret by it, at its start
        }
      }

      template {
        destination = "secrets/fabio.properties"
        perms       = "0400"
        uid         = var.uid
        gid         = var.uid
        change_mode = "restart"
        splay       = "60s" # not every node at once
        data        = <<-EOT
          proxy.addr = ${var.router_address}:${var.router_port},{{ env "NOMAD_ADDR_metrics" }};proto=prometheus
          # rr begins anew at its first target at each change: a canary would get more than its share.
          proxy.strategy = rnd
          # The default, 30s, makes each request wait for a node that is gone. A SYN that is lost is sent again after 1 s,
          # and a Fabio that gets no processor for as long counts it too: with 1s each of them is a 504.
          proxy.dialtimeout = 3s
          # Counted from the signal, which comes after the group's shutdown_delay.
          proxy.shutdownwait = 15s
          metrics.target = prometheus
          metrics.prefix = fabio
          ui.addr = {{ env "NOMAD_ADDR_admin" }}
          # The default lets anybody who reaches that port write rules.
          ui.access = ro
          # Each request would be matched with every host of the table.
          glob.matching.disabled = true
          registry.consul.addr = ${var.consul_address}
          # A string prefix: without the slash it would take fabio/config-backup as well.
          registry.consul.kvpath = /fabio/config/
          # With one, the default, an instance would get requests as soon as any of its checks passes.
          registry.consul.checksRequired = all
          # Read so many services at once when one has changed.
          registry.consul.serviceMonitors = 16
          registry.consul.register.enabled = false
          %{~if var.consul_acl~}
          {{ with secret "crumpet/data/platform/fabio" }}registry.consul.token = {{ .Data.data.consul_token }}{{ end }}
          %{~endif~}
        EOT
      }

      resources {
        cpu        = 200
        memory     = 128
        memory_max = 512 # where memory oversubscription is on
      }

      logs {
        max_files     = 3
        max_file_size = 10
      }
    }
  }
}
