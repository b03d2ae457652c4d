// Package ssh reaches machines over SSH: commands with input, files in place whole or not at all, connections
// that begin there.
//
//	Network, one per run -> Host, one per machine -> one connection, made when it is needed, and again when it broke
//
// Only machines whose key is known are spoken to; where that is asked for, the key of one that is not known yet
// is written down first, as ssh does with StrictHostKeyChecking=accept-new. A changed key is refused always.
//
// What a machine needs: sshd, a POSIX shell, the usual tools, flock of util-linux, and root or sudo without a
// password. No sftp.
//
// Invariant: input is never a part of a command, where every user of the machine could read it.
package ssh
