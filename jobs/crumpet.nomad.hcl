# Crumpet's own servers, several behind Fabio. `crumpet install` runs it, and writes what it reads from Vault beforehand.

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
  type    = string
  default = "default"
}

variable "count" {
  type        = number
  default     = 2
  description = "Servers: all of them serve, one leads."
}

variable "version" {
  type        = string
  description = "What runs: another version replaces the servers, one by one."
}

variable "schema" {
  type        = string
  default     = ""
  description = "Version of the store that it brings, so that a later install knows."
}

variable "driver" {
  type    = string
  default = "exec"
}

variable "user" {
  type    = string
  default = "nobody"
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

variable "toolchain" {
  type        = string
  default     = ""
  description = "Host volume that holds a Go toolchain, for apps that are built on the server: mounted at /toolchain."
}

variable "path" {
  type        = string
  default     = "/toolchain/bin:/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin"
  description = "PATH of the servers: where they look for go."
}

variable "goproxy" {
  type        = string
  default     = ""
  description = "GOPROXY of builds; Go's own unless said."
}

variable "host" {
  type        = string
  description = "Host name of Crumpet's API and UI, which Fabio leads to the servers."
}

variable "domain" {
  type        = string
  description = "An app without a route gets APP.DOMAIN."
}

variable "url" {
  type        = string
  description = "URL at which browsers reach Crumpet."
}

variable "router_port" {
  type    = number
  default = 80
}

variable "trusted_proxies" {
  type        = list(string)
  default     = []
  description = "Addresses of the routers: theirs is the word on where a call came from."
}

variable "drivers" {
  type        = list(string)
  default     = ["exec"]
  description = "Task drivers that apps may use."
}

variable "nomad_address" {
  type        = string
  default     = "http://127.0.0.1:4646"
  description = "As the servers reach it: their node's agent."
}

variable "nomad_acl" {
  type    = bool
  default = false
}

variable "nomad_tls" {
  type        = bool
  default     = false
  description = "Nomad wants a client's certificate: it is read from Vault."
}

variable "consul_address" {
  type    = string
  default = "http://127.0.0.1:8500"
}

variable "consul_acl" {
  type    = bool
  default = false
}

variable "vault_address" {
  type = string
}

variable "vault_tls" {
  type        = bool
  default     = false
  description = "Vault's authority is read from Vault itself, by Nomad's client, which knows it."
}

variable "vault_audience" {
  type    = string
  default = "vault.io"
}

variable "cpu" {
  type    = number
  default = 500
}

variable "memory" {
  type    = number
  default = 512
}

variable "memory_max" {
  type        = number
  default     = 2048 # a build takes what it can get
  description = "Where memory oversubscription is on."
}

locals {
  # Fabio leads by the Host header, whose port clients leave out when it is 80.
  port = var.router_port == 80 ? "" : ":${var.router_port}"
  # Nodes fetch artifacts by their own router, from whichever server answers.
  artifacts = "127.0.0.1${local.port}"
  # An archive is unpacked, anything else is the program itself.
  archive = regex_replace(var.source, "[.](zip|tar[.]gz|tgz)$", "") != var.source
}

job "crumpet" {
  namespace   = var.namespace
  type        = "service"
  datacenters = var.datacenters
  node_pool   = var.node_pool
  priority    = 90

  # A new version comes as one more server, beside those that are there. If it can't serve, none of them was touched;
  # if it does, they are replaced one by one.
  update {
    canary            = 1
    auto_promote      = true
    auto_revert       = true
    max_parallel      = 1
    health_check      = "checks"
    min_healthy_time  = "10s"
    healthy_deadline  = "3m"
    progress_deadline = "10m"
  }

  migrate {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "10s"
  }

  spread {
    attribute = "${node.unique.id}"
    weight    = 100
  }

  meta {
    version = var.version
    schema  = var.schema
  }

  group "crumpet" {
    count = var.count

    # Out of Consul first, so that the routers lead elsewhere, and serving all the while.
    shutdown_delay = "6s"

    restart {
      attempts = 3
      interval = "2m"
      delay    = "5s"
      mode     = "fail" # and to another node
    }

    reschedule {
      unlimited      = true
      delay          = "5s"
      delay_function = "exponential"
      max_delay      = "1m"
    }

    # A node that was silent and is back goes on with what runs there, as apps do.
    disconnect {
      lost_after = "24h"
      replace    = true
      reconcile  = "keep_original"
    }

    # The data folder is a cache, and the server's id: what lasts is in PostgreSQL and in Vault.
    ephemeral_disk {
      sticky = true
      size   = 2048
    }

    network {
      mode = "host"
      port "http" {}
    }

    dynamic "volume" {
      for_each = { for name, source in { programs = var.volume, toolchain = var.toolchain } : name => source if source != "" }
      labels   = [volume.key]
      content {
        type      = "host"
        source    = volume.value
        read_only = true
      }
    }

    # The routers lead by this one, which Nomad takes out of Consul before it ends a server. The service "crumpet", on
    # which the lead hangs, is registered by each server itself.
    service {
      name     = "crumpet-api"
      provider = "consul"
      port     = "http"
      tags = distinct([
        "urlprefix-${var.host}/",
        "urlprefix-${var.host}${local.port}/",
        "urlprefix-${local.artifacts}/v1/artifacts/",
      ])
      # Not /readyz: a sealed Vault must not keep a node from fetching an artifact.
      check {
        name     = "serves"
        type     = "http"
        path     = "/healthz"
        interval = "3s"
        timeout  = "2s"
      }
    }

    task "crumpet" {
      driver       = var.driver
      user         = var.user
      kill_timeout = "25s" # requests under way get 5 s, and the lead is given back; a client's longest is 30 s unless it says more

      config {
        command = var.command
        args    = ["server", "--config", "${NOMAD_SECRETS_DIR}/server.hcl"]
      }

      dynamic "volume_mount" {
        for_each = { for name, source in { programs = var.volume, toolchain = var.toolchain } : name => source if source != "" }
        content {
          volume      = volume_mount.key
          destination = "/${volume_mount.key}"
          read_only   = true
        }
      }

      dynamic "artifact" {
        for_each = var.source == "" ? [] : [var.source]
        content {
          source      = artifact.value
          destination = local.archive ? "local/program" : "local/program/crumpet"
          mode        = local.archive ? "any" : "file"
          options { checksum = var.checksum }
        }
      }

      identity {
        name = "vault_default"
        aud  = [var.vault_audience]
        ttl  = "1h"
      }

      # The token is in secrets/vault_token, which the server reads for each call: a new one needs no restart.
      vault {
        role        = "crumpet"
        env         = false
        change_mode = "noop"
      }

      env {
        PATH    = var.path
        HOME    = "${NOMAD_TASK_DIR}"
        TMPDIR  = "${NOMAD_TASK_DIR}"
        GOPROXY = var.goproxy
        # Read by the library that speaks to Vault. Empty is none.
        VAULT_CACERT = var.vault_tls ? "${NOMAD_SECRETS_DIR}/vault-ca.pem" : ""
      }

      template {
        destination = "secrets/server.hcl"
        perms       = "0400"
        uid         = var.uid
        gid         = var.uid
        change_mode = "restart" # a new password of the database, or a new token
        splay       = "60s"     # not every server at once
        data        = <<-EOT
          {{- with secret "crumpet/data/platform/server" }}
          name             = "{{ env "node.unique.name" }}-{{ env "NOMAD_SHORT_ALLOC_ID" }}"
          listen           = "{{ env "NOMAD_ADDR_http" }}"
          advertise        = "http://${local.artifacts}"
          url              = "${var.url}"
          domain           = "${var.domain}"
          data             = "{{ env "NOMAD_ALLOC_DIR" }}/data/crumpet"
          drivers          = ${jsonencode(var.drivers)}
          trusted_proxies  = ${jsonencode(var.trusted_proxies)}
          first_token_file = "{{ env "NOMAD_SECRETS_DIR" }}/first-token"

          store {
            url = {{ .Data.data.database_url | toJSON }}
          }
          nomad {
            address = "${var.nomad_address}"
            %{~if var.nomad_acl~}
            token = {{ .Data.data.nomad_token | toJSON }}
            %{~endif~}
            %{~if var.nomad_tls~}
            ca_file   = "{{ env "NOMAD_SECRETS_DIR" }}/nomad-ca.pem"
            cert_file = "{{ env "NOMAD_SECRETS_DIR" }}/nomad-cert.pem"
            key_file  = "{{ env "NOMAD_SECRETS_DIR" }}/nomad-key.pem"
            %{~endif~}
          }
          consul {
            address = "${var.consul_address}"
            %{~if var.consul_acl~}
            token = {{ .Data.data.consul_token | toJSON }}
            %{~endif~}
          }
          vault {
            address    = "${var.vault_address}"
            audience   = "${var.vault_audience}"
            token_file = "{{ env "NOMAD_SECRETS_DIR" }}/vault_token"
          }
          fabio {
            service = "fabio"
            url     = "http://127.0.0.1${local.port}"
          }
          {{- end }}
        EOT
      }

      # The first token, which is the operators': adopted by a store that knows none.
      template {
        destination = "secrets/first-token"
        perms       = "0400"
        uid         = var.uid
        gid         = var.uid
        change_mode = "noop"
        data        = "{{ with secret \"crumpet/data/platform/first-token\" }}{{ .Data.data.token }}{{ end }}"
      }

      dynamic "template" {
        for_each = merge(
          var.vault_tls ? { "vault-ca.pem" = "vault_ca" } : {},
          var.nomad_tls ? { "nomad-ca.pem" = "nomad_ca", "nomad-cert.pem" = "nomad_cert", "nomad-key.pem" = "nomad_key" } : {},
        )
        content {
          destination = "secrets/${template.key}"
          perms       = "0400"
          uid         = var.uid
          gid         = var.uid
          change_mode = "restart"
          splay       = "60s"
          data        = "{{ with secret \"crumpet/data/platform/server\" }}{{ .Data.data.${template.value} }}{{ end }}"
        }
      }

      resources {
        cpu        = var.cpu
        memory     = var.memory
        memory_max = max(var.memory, var.memory_max)
      }

      logs {
        max_files     = 3
        max_file_size = 10
      }
    }
  }
}
