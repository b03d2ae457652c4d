source "qemu" "node" {
  disk_image       = true
  iso_url          = var.disk
  iso_checksum     = var.disk_checksum
  disk_size        = var.disk_size
  disk_interface   = "virtio"
  net_device       = "virtio-net"
  format           = "qcow2"
  disk_compression = true
  accelerator      = var.accelerator
  memory           = 2048
  cpus             = 2
  headless         = true

  # cloud-init takes what lets the build in from Packer's own server, and nothing of it stays.
  http_directory = var.seed
  qemuargs = [
    ["-cpu", var.cpu],
    ["-smbios", "type=1,serial=ds=nocloud-net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/"],
  ]

  ssh_username         = var.ssh_user
  ssh_private_key_file = var.ssh_key
  ssh_timeout          = "15m"
  shutdown_command     = "sudo systemctl poweroff"
}

source "docker" "node" {
  image       = var.container
  pull        = false
  commit      = true
  run_command = ["-d", "-i", "-t", "--network=${var.container_network}", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]

  # Packer's own entry point would stay the image's.
  changes = ["ENTRYPOINT [\"/sbin/init\"]", "CMD []"]
}
