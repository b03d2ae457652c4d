# What goes into node images is said here and nowhere else. There are no defaults for where anything comes from: see
# example.pkrvars.hcl.

variable "programs" {
  type = map(object({
    command   = string # file name of the program, also inside an archive: "vault" may be "bao"; "" for the whole archive
    version   = string # as the program says it itself, without a "v"
    source    = string # https:// or file:// URL, a file, or a folder that holds `command`; a .zip, .tar.gz, .tgz or bare program
    sha256    = string # of the file that `source` names; "" to take it from `sums` alone
    sums      = string # URL or file of a SHA256SUMS that names that file; "" for none
    signature = string # URL or file of the detached OpenPGP signature of `sums`; "" for `sums` + ".sig"
    key       = string # file with the OpenPGP public keys that may sign `sums`
  }))
  description = "Where each program comes from, by name: consul, nomad, vault, fabio, crumpet, cni."
}

variable "unsigned" {
  type        = list(string)
  default     = []
  description = "Names of programs that may come without a signature; they must have a sha256."
}

variable "date" {
  type        = string
  description = "Of the build, 2026-01-31T00:00:00Z: it is written into the image, so that the same inputs give the same image."
}

variable "commit" {
  type        = string
  description = "Of this folder: it is written into the image."
}

variable "output" {
  type        = string
  default     = "bin/images"
  description = "Folder for what is made; below it one folder for each image, with its image.json."
}

variable "time_servers" {
  type        = list(string)
  default     = []
  description = "NTP servers; Debian's pool where there are none."
}

# --- the virtual machine image: a Debian cloud image in, a disk out

variable "disk" {
  type        = string
  default     = ""
  description = "URL or file of a Debian 12 cloud image (qcow2 or raw, with cloud-init)."
}

variable "disk_checksum" {
  type        = string
  default     = ""
  description = "Of `disk`, as sha512:HEX or sha256:HEX, or file:URL of the list that Debian publishes."
}

variable "disk_size" {
  type    = string
  default = "12G"
}

variable "seed" {
  type        = string
  default     = ""
  description = "Folder with user-data and meta-data for the build's first boot: lets the key of `ssh_key` in. packer/seed makes one."
}

variable "ssh_key" {
  type        = string
  default     = ""
  description = "File of the private key for this build only: what lets it in is removed from the image again."
}

variable "ssh_user" {
  type        = string
  default     = "debian"
  description = "The cloud image's user, who may sudo without a password."
}

variable "accelerator" {
  type    = string
  default = "kvm"
}

variable "cpu" {
  type        = string
  default     = "host"
  description = "QEMU's -cpu; where KVM itself is nested \"host,-arch-capabilities\" may be needed."
}

# --- the container image: for labs and tests, from an image imported from a root made by debootstrap

variable "container" {
  type        = string
  default     = ""
  description = "Local container image to start from: packer/root makes its content, `docker import` its name."
}

variable "container_network" {
  type        = string
  default     = "bridge"
  description = "Network of the container while it is built: Debian's packages are fetched over it."
}
