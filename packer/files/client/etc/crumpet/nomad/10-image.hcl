# What is so on this image, whatever fleet the machine joins. `crumpet cluster up` writes its files beside this one; they
# are read after it, and win.
client {
  # All that a task of the exec driver sees besides its own files: what a static program looks for, and a shell to look
  # around with. Nomad's default links all of /usr, /lib, /bin and /etc, which takes seconds for each task. The shell and what
  # it needs are named as real files: a link would lead nowhere in there.
  chroot_env {
    "/etc/resolv.conf"                               = "/etc/resolv.conf"
    "/etc/hosts"                                     = "/etc/hosts"
    "/etc/passwd"                                    = "/etc/passwd"
    "/etc/group"                                     = "/etc/group"
    "/etc/nsswitch.conf"                             = "/etc/nsswitch.conf"
    "/etc/ssl/certs/ca-certificates.crt"             = "/etc/ssl/certs/ca-certificates.crt"
    "/usr/share/zoneinfo"                            = "/usr/share/zoneinfo"
    "/usr/bin/dash"                                  = "/bin/sh"
    "/usr/lib/x86_64-linux-gnu/libc.so.6"            = "/lib/x86_64-linux-gnu/libc.so.6"
    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" = "/lib64/ld-linux-x86-64.so.2"
  }

  # The default of 30 s cuts longer kill_timeouts of apps without a word.
  max_kill_timeout = "10m"

  cni_path = "/opt/cni/bin"
}
