// Package lab makes machines out of one: each host is a set of Linux namespaces with an address, a root folder,
// processes, a host name and control groups of its own, and sshd.
//
//	New(t, Config{Hosts}) -> Lab: a bridge with 10.77.N.1, which is where the operator sits
//	  Host "server-1": 10.77.N.11, an overlay on a Debian base that debootstrap made once, started by tini or systemd
//	    Kill: power cut; Boot: on again with the same disk; Wipe: a new, empty disk
//	    Cut, Heal: its cable; Lab.Partition: who can't reach whom
//
// Nothing leaves the machine: the bridge has no way out and nothing is forwarded. Only debootstrap loads packages, from
// where apt on this machine does, and keeps the base of each first process in the user's cache folder; one that was not
// used for a day goes when another is made.
//
// A host is one process and what it started, so it ends with the test, also when that is killed: its namespaces, mounts
// and cable go with it. What can outlive a test are empty control groups and the bridge; the next lab at that place takes them over. Two
// labs at a time on a machine: a third one waits.
//
// Needs root, Linux with cgroup v1 controllers, and the programs of iproute2, util-linux, openssh-client and debootstrap;
// what is missing skips the test by name.
//
// Invariant: knows nothing of Crumpet.
package lab
