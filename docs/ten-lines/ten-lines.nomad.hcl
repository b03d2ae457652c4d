job "shop.blue" {
  namespace   = "default"
  type        = "service"
  datacenters = ["*"]

  update {
    max_parallel = 0
  }

  group "web" {
    count          = 3
    shutdown_delay = "2s"

    restart {
      interval = "10m"
      attempts = 2
      delay    = "5s"
      mode     = "fail"
    }

    disconnect {
      lost_after = "24h"
      replace    = true
      reconcile  = "keep_original"
    }

    reschedule {
      attempts       = 0
      interval       = "0s"
      delay          = "10s"
      delay_function = "exponential"
      max_delay      = "5m"
      unlimited      = true
    }

    migrate {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "2s"
      healthy_deadline = "30s"
    }

    network {
      mode = "host"

      port "http" {}
    }

    service {
      name         = "default--shop--web--blue"
      tags         = ["urlprefix-shop.example.com/"]
      port         = "http"
      address_mode = "host"
      provider     = "consul"

      check {
        name     = "readiness"
        type     = "http"
        path     = "/health"
        interval = "1s"
        timeout  = "5s"
      }
    }

    task "web" {
      driver       = "exec"
      kill_timeout = "10s"
      kill_signal  = "SIGTERM"

      config {
        command  = "local/shop"
        work_dir = "${NOMAD_TASK_DIR}"
      }

      env {
        CRUMPET_APP      = "shop"
        CRUMPET_ARTIFACT = "000000000000"
        CRUMPET_PROCESS  = "web"
        CRUMPET_TEAM     = "default"
        CRUMPET_URL      = "http://shop.example.com:9999/"
        GREETING         = "hi"
        HOST             = "${NOMAD_IP_http}"
        PORT             = "${NOMAD_PORT_http}"
        PORT_HTTP        = "${NOMAD_PORT_http}"
      }

      resources {
        cpu    = 100
        memory = 128
      }

      logs {
        max_files     = 5
        max_file_size = 10
      }

      artifact {
        source      = "http://127.0.0.1:4780/v1/artifacts/sha256/0000000000000000000000000000000000000000000000000000000000000000"
        destination = "local/"

        options {
          archive  = "tar.gz"
          checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
        }
      }
    }
  }
}
