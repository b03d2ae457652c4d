# What the cluster is to be. `crumpet cluster up` makes it so, and changes nothing the second time.
# Files that are named here are relative to this one. There is no secret in it: keep it in git.

# Nomad's and Consul's datacenter.
name = {{ quote .Name }}

# Of the apps: one without a route gets APP.DOMAIN.
domain = {{ quote .Domain }}

# What starts programs on the machines: "systemd", or "process" for trials without it.
init = {{ quote .Init }}

# How the machines are reached: as root, or as one who may sudo without a password. Without a key_file the keys of
# ssh-agent are used. Only machines whose key stands in known_hosts are spoken to.
ssh {
  user = "root"
  # port        = 22
  # key_file    = "~/.ssh/id_ed25519"
  # known_hosts = "~/.ssh/known_hosts"
  # timeout     = "10s"
}

# The role "server" runs the servers of Consul, Vault and Nomad: three of them survive the loss of one. The role
# "client" runs the apps, and Fabio and Crumpet. A machine may have both.
{{- range .Machines }}

machine {{ quote .Name }} {
  address = {{ quote .Address }}
  roles   = {{ roles .Roles }}
}
{{- end }}

# Where programs come from: a file or folder here, or a URL; a .zip, a .tar.gz or the bare program. {version}, {os}
# and {arch} are filled in. Say what each must be, by sha256, or by sums (a SHA256SUMS) and key (the OpenPGP key that
# signs it): without one, what lies there is taken.
{{- range .Programs }}

program {{ quote .Name }} {
{{- if and (ne (print .Name) .Command) .Command }}
  command = {{ quote .Command }}
{{- end }}
  version = {{ quote .Version }}
  source  = {{ quote .Source }}
  # sha256 = "..."
}
{{- end }}

# How Vault is unsealed. With shares, people unseal it after each start, by `crumpet cluster unseal`. By itself:
#   seal "transit" {
#     settings   = { address = "https://vault.example.com:8200", key_name = "crumpet", mount_path = "transit/" }
#     token_file = "transit.token"
#     ca_file    = "transit-ca.pem" # where machines don't know who signed its certificate
#   }
#   seal "kms" {
#     type     = "awskms"
#     settings = { region = "eu-central-1", kms_key_id = "alias/crumpet" }
#   }
seal "shares" {
  shares    = 5
  threshold = 3
}

# Who may read what is kept: the state beside this file is sealed to all of them, each of Vault's shares to one.
# age1..., or an ssh-ed25519 or ssh-rsa line.
{{- range .Keepers }}

keeper {{ quote .Name }} {
  public_key = {{ quote .PublicKey }}
}
{{- else }}

# keeper "ada" {
#   public_key = "ssh-ed25519 AAAA... ada@laptop"
# }
{{- end }}

# A file here that holds the URL of Crumpet's PostgreSQL database, which all clients reach.
store {
  url_file = "store.url"
}

# Ports that are not the programs' own.
ports {
  router = 80   # Fabio, for the apps' requests
  admin  = 9998 # Fabio's API
  jwks   = 4651 # the proxy that hands out Nomad's public keys
}

# Every Nomad client. Keep the range clear of /proc/sys/net/ipv4/ip_local_port_range.
clients {
  drivers  = ["exec"] # raw_exec and docker are allowed too
  min_port = 20000
  max_port = 32000
  # reserved_mb = 512
  # chroot_env  = { "/usr/share/zoneinfo" = "/usr/share/zoneinfo" }
}
