# The node images: `packer build -only=qemu.client packer` makes one of them. All are made by the same scripts; what
# differs is in roles/NAME, NAME being that of the source.

locals {
  # name|command|version|source|sha256|sums|signature|key of each program, for scripts/fetch.
  programs = join(";", [
    for name, p in var.programs :
    join("|", [name, p.command, p.version, p.source, p.sha256, p.sums, p.signature, p.key])
  ])

  # The builds run as root in a container and as a user with sudo in a machine.
  as_root = "chmod +x {{ .Path }}; $(test \"$(id -u)\" = 0 || echo sudo) env {{ .Vars }} {{ .Path }}"
}

build {
  source "source.qemu.node" {
    name             = "server"
    output_directory = "${var.output}/qemu-server"
    vm_name          = "server.qcow2"
  }
  source "source.qemu.node" {
    name             = "client"
    output_directory = "${var.output}/qemu-client"
    vm_name          = "client.qcow2"
  }
  source "source.qemu.node" {
    name             = "all-in-one"
    output_directory = "${var.output}/qemu-all-in-one"
    vm_name          = "all-in-one.qcow2"
  }
  source "source.docker.node" {
    name = "server"
  }
  source "source.docker.node" {
    name = "client"
  }
  source "source.docker.node" {
    name = "all-in-one"
  }

  # On this machine: fetch the role's programs and verify them. Nothing goes into an image that was not verified.
  provisioner "shell-local" {
    command = "${path.root}/scripts/fetch"
    environment_vars = [
      "ROLE=${source.name}",
      "PROGRAMS=${local.programs}",
      "UNSIGNED=${join(" ", var.unsigned)}",
      "OUT=${var.output}/.programs-${source.type}-${source.name}",
    ]
  }

  provisioner "shell" {
    inline = ["mkdir -p /tmp/crumpet/programs"]
  }
  provisioner "file" {
    sources     = ["${path.root}/roles", "${path.root}/files", "${path.root}/checks", "${path.root}/scripts"]
    destination = "/tmp/crumpet/"
  }
  provisioner "file" {
    source      = "${var.output}/.programs-${source.type}-${source.name}/"
    destination = "/tmp/crumpet/programs"
    generated   = true
  }

  # In the image, as root.
  provisioner "shell" {
    execute_command = local.as_root
    environment_vars = [
      "ROLE=${source.name}",
      "BUILDER=${source.type}",
      "BUILD_DATE=${var.date}",
      "BUILD_COMMIT=${var.commit}",
      "TIME_SERVERS=${join(" ", var.time_servers)}",
    ]
    scripts = [
      "${path.root}/scripts/packages",
      "${path.root}/scripts/users",
      "${path.root}/scripts/programs",
      "${path.root}/scripts/files",
      "${path.root}/scripts/system",
      "${path.root}/scripts/manifest",
      "${path.root}/scripts/clean",
    ]
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/crumpet/image.json"
    destination = "${var.output}/${source.type}-${source.name}.json"
  }

  # The image must pass its own checks, or it is not made.
  provisioner "shell" {
    execute_command = local.as_root
    inline          = ["/opt/crumpet/image/check --fresh"]
  }
}
