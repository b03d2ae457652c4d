# An example to copy: your own folder or mirror, your own digests. `packer validate -var-file=packer/example.pkrvars.hcl packer`
# passes with it; a build refuses it, since nothing is there. The versions are those that Crumpet's stories run with.

programs = {
  consul = {
    command   = "consul"
    version   = "1.8.7"
    source    = "https://programs.example.com/consul/1.8.7/consul_1.8.7_linux_amd64.zip"
    sha256    = ""
    sums      = "https://programs.example.com/consul/1.8.7/consul_1.8.7_SHA256SUMS"
    signature = "" # the same with .sig
    key       = "/etc/crumpet/keys/hashicorp.asc"
  }
  nomad = {
    command   = "nomad"
    version   = "2.0.6"
    source    = "https://programs.example.com/nomad/2.0.6/nomad_2.0.6_linux_amd64.zip"
    sha256    = ""
    sums      = "https://programs.example.com/nomad/2.0.6/nomad_2.0.6_SHA256SUMS"
    signature = ""
    key       = "/etc/crumpet/keys/hashicorp.asc"
  }
  # OpenBao in Vault's place: the program is another, the name and all paths stay.
  vault = {
    command   = "bao"
    version   = "2.6.2"
    source    = "https://programs.example.com/openbao/2.6.2/bao_2.6.2_linux_amd64.tar.gz"
    sha256    = ""
    sums      = "https://programs.example.com/openbao/2.6.2/checksums-linux.txt"
    signature = "https://programs.example.com/openbao/2.6.2/checksums-linux.txt.gpgsig"
    key       = "/etc/crumpet/keys/openbao.asc"
  }
  fabio = {
    command   = "fabio"
    version   = "1.7.3"
    source    = "https://programs.example.com/fabio/1.7.3/fabio-1.7.3-linux_amd64"
    sha256    = ""
    sums      = "https://programs.example.com/fabio/1.7.3/fabio-1.7.3.sha256"
    signature = "https://programs.example.com/fabio/1.7.3/fabio-1.7.3.sha256.asc"
    key       = "/etc/crumpet/keys/fabio.asc"
  }
  crumpet = {
    command   = "crumpet"
    version   = "1.0.0"
    source    = "/srv/programs" # a folder: the program of that name in it
    sha256    = ""
    sums      = "/srv/programs/SHA256SUMS"
    signature = ""
    key       = "/etc/crumpet/keys/ours.asc"
  }
  # An archive of many programs: all of it goes to /opt/crumpet/cni-VERSION.
  cni = {
    command   = ""
    version   = "1.1.1"
    source    = "https://programs.example.com/cni/1.1.1/cni-plugins-linux-amd64-v1.1.1.tgz"
    sha256    = ""
    sums      = "/srv/programs/SHA256SUMS"
    signature = ""
    key       = "/etc/crumpet/keys/ours.asc"
  }
}

date   = "2026-11-23T00:00:00Z"
commit = "unknown"

disk          = "https://images.example.com/debian-12-genericcloud-amd64.qcow2"
disk_checksum = "sha512:00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
seed          = "." # packer/image makes one, and the key
container     = "crumpet/root:bookworm"
