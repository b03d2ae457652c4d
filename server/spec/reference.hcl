# Every key of an app spec. Where a key has a default, its value below is the default: leave out what
# you don't want to change. A comment that begins a sentence with "Default:" or "No default" says so
# where the value below is an example. "crumpet validate crumpet.hcl" shows all faults of a file at
# once, and "crumpet fmt" gives it this form.
#
# A value is computed before anything runs: it may use var.NAME, local.NAME and functions such as
# upper, join, merge, jsonencode and cidrsubnet. There is none that gives something else tomorrow.

# A value from outside: --var greeting=hello, a line of a --var-file, or CRUMPET_VAR_greeting.
variable "greeting" {
  # string, number, bool, list(...), map(...), object({ ... }) and the like. Default: any.
  type = string

  # No default: a variable without one must be given a value.
  default = "hi"

  # For people. Default: none.
  description = "What the app says to everybody."

  # A sensitive value can't be used yet where anybody could read it: in a job, a plan or a log.
  sensitive = false

  # Any number of these, on the variable itself. Default: none.
  validation {
    # No default.
    condition = length(var.greeting) < 9

    # No default.
    error_message = "The greeting must be short."
  }
}

# Names for values that are used more than once.
locals {
  common = { GREETING = upper(var.greeting) }
}

# The name of the app: a lower-case letter, then letters, digits and single dashes, 24 at most.
app "hello" {
  # How the source becomes an artifact.
  build {
    # "go" builds every main package, "static" serves a folder, "none" takes the folder as it is.
    builder = "go"

    # Only with "go": the one main package wanted. Default: all of them.
    main = "./cmd/hello"

    # The folder below the source. With "go" it is the source itself.
    dir = "."
  }

  # Variables of every process, sidecar, task and cron, each of which may set the same name to
  # something else. Numbers and truth values become text. Default: none.
  #
  # Crumpet sets PORT (of the first port), PORT_HTTP (each port by its name), HOST (the address to
  # listen on), CRUMPET_APP, CRUMPET_TEAM, CRUMPET_PROCESS, CRUMPET_ARTIFACT and CRUMPET_URL.
  env = merge(local.common, {
    REGION = "eu"
  })

  # A key of the app's configuration ("crumpet secret set TLS_KEY") that programs get as a file instead of
  # as a variable of its own; its path is in TLS_KEY_FILE. All other keys are variables of every program,
  # over those of env and of services. A release pins the version of the configuration, so a change of any
  # key, also of one that is a file, is a new release that walks. Default: none.
  secret "TLS_KEY" {
    # Below the folder of secrets, which is in memory. No default.
    file = "tls/key.pem"

    # Octal. Without the last 4 the file belongs to whom the program runs as, where that is nobody or a
    # number; it is seen by no other app in any case.
    mode = "0444"
  }

  # An instance of a service that the app needs, 12 characters at most. Every program gets its credentials,
  # which Vault issues for this app alone, and as files below SERVICE_BINDING_ROOT, in a folder of this
  # name, one for each entry: type, provider, host, port, uri and so on. Default: none.
  service "db" {
    # What it is made of where it is not there yet; "crumpet services catalog" lists offerings and plans.
    # Default: none, and the instance must be there.
    offering = "postgres"

    # No default; not without offering.
    plan = "small"

    # The name of the instance in the team. An environment has one of its own.
    instance = "hello-db"

    # For making it, as its plan has them. No place for secrets. Default: none.
    parameters = { version = 16 }

    # How the credentials reach programs.
    bind {
      # "env" has variables and files, and new credentials replace the instances one by one, as a deployment
      # does. "files" has files only, which change under the running program.
      as = "env"

      # With "env": the variable with the URL. The first service that is called db or postgres, or made of
      # the offering "postgres", has DATABASE_URL, any other NAME_URL.
      env = "DATABASE_URL"

      # With "env": also in VCAP_SERVICES, as programs from Cloud Foundry expect them.
      vcap = false
    }
  }

  service "queue" {
    # Default: none.
    offering = "rabbit"

    # No default.
    plan = "shared"

    bind {
      # Default: "env".
      as = "files"

      # With "files": what is done with the program when they change: "noop", or "signal" where a signal is
      # given.
      change = "signal"

      # No default; needed with change = "signal".
      signal = "SIGHUP"
    }
  }

  # One kind of instance, 12 characters at most. A static site without any process has a process web
  # with a port http. Without a route in the whole app, a process web with a port gets APP.DOMAIN/.
  process "web" {
    # The program, as a path below the artifact, and its arguments: a list, or the program alone.
    # No default; left out with "static", when crumpet serves the folder.
    #
    # Here, in args and env, and in the content of a file, a value may refer to what only the node
    # knows: ${port.NAME}, ${host.NAME} (or ${host} where there is one port), ${alloc.id} and
    # ${alloc.index}. While an app walks from one release to the next, two of its instances may have
    # the same index. $${ is a literal ${.
    command = ["./hello", "-listen", "${host.http}:${port.http}"]

    # More arguments, behind those of the command. Default: none.
    args = ["-greeting", var.greeting]

    # How many instances run, 0 to 1000.
    instances = 1

    # Processor time of one instance, MHz. What is left on a node may be used by all.
    cpu = 100

    # Memory of one instance: a number with MiB or GiB.
    memory = "128MiB"

    # What it may use above that where the node has memory left, and the operator has switched on
    # memory oversubscription. Default: no more than memory.
    memory_max = "256MiB"

    # The folder of one instance, for its files and logs.
    disk = "300MiB"

    # Whom the program runs as on the node. Default: the user of Nomad's driver.
    user = "nobody"

    # Where the program starts, below the artifact's folder. Default: that folder.
    working_dir = "public"

    # How long an instance may take until it is healthy.
    startup = "30s"

    # How long every check must have passed without a break before an instance counts as
    # healthy. A process without a port has no check: it must run for this time, and for 5s at least.
    min_healthy = "2s"

    # How long an instance still runs after routers were told to send it nothing more. Programs that
    # end at once when told to need more than their longest request here.
    shutdown_delay = "2s"

    # The signal that tells a program to end, and how long it has before its end by force, 30s at most.
    kill_signal  = "SIGTERM"
    kill_timeout = "10s"

    # "rolling" walks as deploy says. "stop-first" takes the old instances away first, for what must
    # never run twice; a process with a volume always does so.
    strategy = "rolling"

    # Variables of this process only. Default: none.
    env = {
      LOG_LEVEL = "info"
    }

    # A port that the node chooses, 12 characters at most. Default: none.
    port "http" {
      # What is spoken there: "http", "h2c" (HTTP/2 without TLS), "grpc", "tcp" or "udp". A udp port
      # has no check; any other is connected to before an instance gets requests, if no probe asks.
      protocol = "http"
    }

    # Host and path, below which every request goes to a port. The host may begin with *. and the
    # path ends with a slash. Only http ports can have routes yet. Default: none.
    route "hello.example.com/" {
      # Default: the only port with the protocol http.
      port = "http"
    }

    # The short form of health: the request that must be answered with 2xx before an instance gets
    # others. Default: that something listens on the port. The long form is shown below.
    health {
      path = "/"

      # Default: the only port with the protocol http.
      port = "http"

      interval = "1s"
      timeout  = "5s"
    }

    # What happens when the program ends by itself: it is started again on the same node so many
    # times ...
    restart {
      attempts = 2
      delay    = "5s"
    }

    # ... and then placed anew, without end, after a delay that doubles up to max_delay, 15m at most.
    reschedule {
      delay     = "10s"
      max_delay = "5m"
    }

    # What is kept of each of the two streams of a program: so many files of that size, which together
    # must be less than the disk.
    logs {
      max_files = 5
      max_size  = "10MiB"
    }

    # A file that is written below the artifact's folder before the program starts. Default: none.
    file "conf/hello.conf" {
      # Its literal text. No default: either this or template.
      content = "listen ${host.http}:${port.http}\n"

      # Octal.
      mode = "0644"

      # What happens to the running program when the text changes: "noop" or "signal". A literal text
      # changes with a release only.
      change = "noop"
    }

    # A file that Nomad renders, again whenever its data change, in the language of consul-template. Functions
    # that read what is not the app's, such as key, service and file, take the operator's leave.
    file "conf/nodes.conf" {
      # No default: either this or content.
      template = "{{ range env \"PEERS\" | split \",\" }}{{ . }}\n{{ end }}"

      # Default: "noop".
      change = "signal"

      # No default; needed with change = "signal".
      signal = "SIGHUP"
    }

    # On which nodes instances of this process may run, on top of the app's placement.
    placement {
      # Never two instances of this process on one node.
      distinct_hosts = false
    }

    # The escape hatch: pieces of the Nomad job, in the words of Nomad's HTTP API (TaskGroup and Task),
    # merged last over what Crumpet made: maps name by name, all else as a whole. Nomad replaces ${ }
    # in them, so $${NOMAD_PORT_http} is Nomad's variable. Durations may be texts. What Crumpet answers
    # for is refused: names, counts, services, ports and artifacts, and how a job is updated.
    nomad {
      # Default: none.
      group = { EphemeralDisk = { Sticky = true, Migrate = true } }

      # Default: none.
      task = { Meta = { port = "$${NOMAD_PORT_http}" }, RestartPolicy = { Interval = "10m" } }
    }
  }

  process "api" {
    # No default.
    command = "./hello"

    # Whole cores of its own instead of cpu. Default: none.
    cores = 1

    port "rpc" {
      # Default: "http".
      protocol = "grpc"
    }
    port "http" {}

    # The long form of health: three questions, each asked in one way. Consul asks them all.
    health {
      # Has it started? Must pass once, within the process's startup; then it is not asked any more.
      startup {
        # A program inside the instance, below the artifact or an absolute path, that ends with 0. Nomad
        # goes on asking a program even after it has passed.
        # No default.
        exec = ["./hello", "-check"]
      }

      # May it get requests? Instances that fail are taken out of their routes.
      readiness {
        # A path that is answered with 2xx over HTTP/1.1. No default.
        http = "/ready"

        # Default: the only port that can be asked so.
        port = "http"

        interval = "1s"
        timeout  = "5s"

        # So many failures in a row count as one.
        failures = 1
      }

      # Is it beyond help? Then the program is restarted.
      liveness {
        # The standard health service of gRPC, asked about a service, or about the whole server with
        # "". No default.
        grpc = ""

        failures = 3
      }
    }

    # A program beside that of the process in every instance: it shares the ports and the folder,
    # starts before and ends after it. It may hold command, args, cpu, cores, memory, memory_max, user,
    # working_dir, env, kill_signal, kill_timeout, logs, file and nomad { task }, as a process does.
    # Default: none.
    sidecar "proxy" {
      # No default.
      command = ["./proxy", "-upstream", "127.0.0.1:${port.http}"]
    }
  }

  process "mail" {
    # No default.
    command = ["./mail"]

    port "smtp" {
      # Default: "http".
      protocol = "tcp"
    }
    health {
      readiness {
        # That something takes a connection. No default.
        tcp = true
      }
    }
  }

  process "store" {
    # No default.
    command = ["./store", "-dir", "/data"]

    # What each instance keeps across deployments and restarts, on the node it is on: a dynamic host
    # volume of Nomad, 12 characters at most. Such a process stops before its next release starts.
    # Default: none.
    volume "data" {
      # A number with MiB or GiB. No default.
      size = "10GiB"

      # Where the program finds it: an absolute path. No default.
      mount = "/data"
    }
  }

  # A program that runs once and ends. It may hold what a sidecar may, and these. Default: none.
  task "migrate" {
    # No default.
    command = ["./hello", "migrate"]

    # "manual" runs it by "crumpet run" only, "before" as the first step of every deployment, which
    # ends if it fails, and "after" as the last, which turns the deployment back if it fails. It must
    # suit the old release as well as the new.
    phase = "manual"

    # How often it is started again after a failure, 10 at most.
    attempts = 0

    # When it is killed, and has failed.
    timeout = "10m"
  }

  # A program that runs on a schedule. It may hold what a sidecar may, and these. Default: none.
  cron "report" {
    # No default.
    command = ["./hello", "report"]

    # Minute, hour, day of the month, month and day of the week, as in Nomad. No default.
    schedule = "30 4 * * *"

    # A name such as "Europe/Berlin".
    time_zone = "UTC"

    # May it start while the one before still runs?
    overlap = false

    attempts = 0
    timeout  = "10m"
  }

  # How the app walks from one release to the next, between two slots that are two Nomad jobs.
  deploy {
    # "rolling" adds some new instances, waits until they are healthy, and takes as many old away.
    # "canary" moves growing shares of the requests, "blue-green" all of them at once, and "stop-first"
    # takes the old instances away before the new ones start.
    strategy = "rolling"

    # How many instances there may be above the wanted number: a number, or a percentage of it.
    surge = "25%"

    # How many new instances of a process may be starting at once; 0 for as many as surge allows.
    max_in_flight = 0

    # When no node has room for the surge: "surge" waits a little and turns back, "stop-first" goes on
    # by taking old instances away first, "ask" stays paused until somebody decides.
    room = "surge"

    # How processes without a route follow a canary or blue-green walk: "follow" moves instances as
    # requests move, "switch" moves all when all requests have.
    unrouted = "follow"

    # How long the whole walk may take, without the time that it is held on purpose.
    deadline = "15m"

    # Walk back on failure. With false it stays where it is, paused.
    revert = true
  }

  # On which nodes everything of the app may run.
  placement {
    # Nomad's node pool.
    pool = "default"

    # Default: those of the server's configuration.
    datacenters = ["dc1", "dc2"]

    distinct_hosts = false

    # What must hold of a node. Any number of these; default: none.
    constraint {
      # Nomad's name of an attribute, without ${ and }: attr.NAME, meta.NAME, node.class,
      # node.datacenter, node.pool, node.unique.name and the like. No default.
      attribute = "attr.kernel.name"

      # = != > >= < <= regexp version semver set_contains set_contains_any set_contains_all is_set
      # is_not_set.
      operator = "="

      # No default; not with is_set and is_not_set.
      value = "linux"
    }

    # What should hold of a node, the more the greater its weight is: from -100, to keep away, to 100.
    # Any number of these; default: none.
    affinity {
      # No default.
      attribute = "attr.cpu.arch"

      # As in a constraint, but without is_set and is_not_set.
      operator = "="

      # No default.
      value = "amd64"

      weight = 50
    }

    # Over which attribute instances are spread out, evenly unless targets say otherwise. Any number
    # of these; default: none.
    spread {
      # No default.
      attribute = "node.datacenter"

      # 1 to 100.
      weight = 100

      # The share of the instances that one value of the attribute should get. Default: an even one.
      target "dc1" {
        # No default.
        percent = 60
      }
    }
  }

  # An environment is an app of its own, NAME-ENVIRONMENT, with its own slots, releases and routes:
  # crumpet push --env staging. It may hold all that an app may, but build and environment. Blocks
  # override those with the same label, keys replace, env is merged name by name. Routes are not
  # inherited, since the app holds them: without one of its own here, the process web gets
  # NAME-ENVIRONMENT.DOMAIN/. Default: none.
  environment "staging" {
    # Default: what the app has.
    env = {
      REGION = "test"
    }

    process "web" {
      route "hello.staging.example.com/" {}
    }

    deploy {
      # Default: what the app has.
      strategy = "canary"

      # Only with the strategy "canary".
      canary {
        # New instances of each process with a route, until all requests move.
        instances = 1

        # Percent of the requests at each step, growing; all follow after the last.
        traffic = [5, 25, 50]

        # How long each step is held.
        hold = "1m"

        # Percentage points by which its share of 5xx may lie above that of the release before. Beyond it, once
        # 20 requests or more leave no doubt, the deployment turns back.
        margin = 1

        # Who ends a step: "auto" when it was held without a fault, "manual" for "crumpet promote".
        promote = "auto"
      }
    }
  }

  environment "preview" {
    process "web" {
      route "hello.preview.example.com/" {}
    }

    deploy {
      # Default: what the app has.
      strategy = "blue-green"

      # Only with the strategy "blue-green".
      blue_green {
        # How long the old instances stay after the switch.
        warm = "5m"
      }
    }
  }
}
