// Package agents writes what Consul, Nomad and Vault are started with.
//
//	Fleet + Machine + Values -> ConsulFiles, NomadFiles  configuration, in files apart by who may read them
//	Fleet + Machine          -> ConsulService, ...       -> Unit (systemd), Script (either Init)
//
// Where versions of a program want different words, the version that the fleet pins decides. Files that hold a
// secret hold nothing else, so that all others may be read by whoever looks for a fault at night.
//
// Invariant: pure; the same input gives the same bytes, or machines would restart for nothing.
package agents
