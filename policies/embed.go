// Package policies holds what Nomad, Consul and Vault allow each actor of the platform, and names it for an app or a node.
//
//	PROGRAM/ACTOR.hcl     as the program takes it: Text; docs/policies.md says who has which, and what proves each line
//	vault/app.hcl         of one app; the words MOUNT, DATABASE, TEAM and APP are replaced by App
//	consul/consul-agent.hcl  of one node; the word NODE is replaced by ConsulAgent
//
// Every granted line stands alone and has its reason above it.
//
// Invariant: what App gives allows the app that it names and no other, also for names that begin alike.
package policies

import (
	"embed"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

//go:embed nomad/*.hcl consul/*.hcl vault/*.hcl
var files embed.FS

//go:embed vault/app.hcl
var app string

// Server is the policy of Crumpet's own token in Vault, with the default names of mounts.
//
//go:embed vault/server.hcl
var Server string

// Program is one that has policies.
type Program string

// The programs.
const (
	Nomad  Program = "nomad"
	Consul Program = "consul"
	Vault  Program = "vault"
)

// Actor is whoever calls a program with a token of its own.
type Actor string

// The actors whose policies are written as they stand. A policy has its actor's name in the program, but for Crumpet's:
// crumpet.
const (
	Crumpet     Actor = "server"
	Fabio       Actor = "fabio"
	NomadServer Actor = "nomad-server"
	NomadClient Actor = "nomad-client"
	Operator    Actor = "operator" // has Reader's as well
	Reader      Actor = "reader"
)

// Actors are all of them, in the order in which their policies are written.
var Actors = []Actor{Crumpet, Fabio, NomadServer, NomadClient, Reader, Operator}

// Name is what an actor's policy is called in every program. Crumpet's token in Vault may write policies below crumpet-:
// none of these begins so.
func (a Actor) Name() string {
	if a == Crumpet {
		return "crumpet"
	}
	return string(a)
}

// Text is what a program allows an actor; false where the actor has no token there.
func Text(p Program, a Actor) (string, bool) {
	text, err := files.ReadFile(string(p) + "/" + string(a) + ".hcl")
	return string(text), err == nil
}

// ConsulAgentName is what the policy of Consul's agent on a node is called.
func ConsulAgentName(node string) string { return "consul-agent-" + node }

// ConsulAgent is the policy of Consul's agent on a node. The name must be valid: it stands in the policy.
func ConsulAgent(node string) string {
	text, _ := Text(Consul, "consul-agent")
	return strings.ReplaceAll(text, "NODE", node)
}

// Mounts are the names of Vault's engines that an app reads from, without slashes.
type Mounts struct {
	KV       string // version 2
	Database string
}

// App is the policy of one app's tasks in Vault. The names must be valid: they stand in paths.
func App(mounts Mounts, ref paas.AppRef) string {
	return strings.NewReplacer("MOUNT", mounts.KV, "DATABASE", mounts.Database, "TEAM", ref.Team, "APP", ref.App).Replace(app)
}
