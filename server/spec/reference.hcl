# Every key of an app spec. Where a key has a default, its value below is the default: leave out what
# you don't want to change. "crumpet validate crumpet.hcl" shows all faults of a file at once.

# The name of the app: a lower-case letter, then letters, digits and single dashes, 24 at most.
app "hello" {

  # How the source becomes an artifact.
  build {
    # "go" builds every main package, "static" serves a folder, "none" takes the folder as it is.
    builder = "go"

    # Only with "go": the one main package wanted. Default: all of them.
    main = "./cmd/hello"

    # Only with "static" and "none": the folder below the source. Default: the source itself.
    # dir = "public"
  }

  # Variables of every process. A process may set the same name to something else. Numbers and truth
  # values become text. Default: none.
  #
  # Crumpet sets PORT (of the first port), PORT_HTTP (each port by its name), HOST (the address to
  # listen on), CRUMPET_APP, CRUMPET_TEAM, CRUMPET_PROCESS, CRUMPET_ARTIFACT and CRUMPET_URL.
  env = {
    GREETING = "hi"
  }

  # One kind of instance, 12 characters at most. A static site without any process has a process web
  # with a port http. Without a route in the whole app, a process web with a port gets APP.DOMAIN/.
  process "web" {
    # The program, as a path below the artifact, and its arguments. No default; left out with
    # "static", when crumpet serves the folder.
    #
    # Here and in env a value may refer to what only the node knows: ${port.NAME}, ${host.NAME} (or
    # ${host} where there is one port), ${alloc.id} and ${alloc.index}. While an app walks from one
    # release to the next, two of its instances may have the same index. $${ is a literal ${.
    command = ["./hello", "-listen", "${host.http}:${port.http}"]

    # How many instances run, 0 to 1000.
    instances = 1

    # Processor time of one instance, MHz.
    cpu = 100

    # Memory of one instance: a number with MiB or GiB.
    memory = "128MiB"

    # How long an instance may take until it is healthy.
    startup = "30s"

    # How long every check must have passed without a break before an instance counts as
    # healthy. A process without a port has no check: it must run for this time, and for 5s at least.
    min_healthy = "2s"

    # How long an instance still runs after routers were told to send it nothing more. Programs that
    # end at once when told to need more than their longest request here.
    shutdown_delay = "2s"

    # How long a program has between SIGTERM and its end by force, 30s at most.
    kill_timeout = "10s"

    # "rolling" adds new instances before it takes old ones away. "stop-first" takes the old away
    # first, for what must never run twice.
    strategy = "rolling"

    # Variables of this process only. Default: none.
    env = {
      LOG_LEVEL = "info"
    }

    # A port that the node chooses, 12 characters at most. Default: none.
    port "http" {}

    # Host and path, below which every request goes to a port. The host may begin with *. and the
    # path ends with a slash. Default: none.
    route "hello.example.com/" {
      # Default: the only port.
      port = "http"
    }

    # The request that must be answered with 2xx before an instance gets others. Default: that
    # something listens on the port.
    health {
      path = "/"

      # Default: the only port.
      port = "http"

      interval = "1s"
      timeout  = "5s"
    }

    # What happens when the program ends by itself: it is started again on the same node so many
    # times, and then placed anew, after growing delays.
    restart {
      attempts = 2
      delay    = "5s"
    }
  }
}
