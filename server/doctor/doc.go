// Package doctor says what is wrong with the cluster under all apps, why that matters and what to do about it.
//
//	Sources --Look: asked side by side, each with a deadline--> Facts --Findings (pure)--> []paas.PlatformFinding
//
// Each subject has a file of its own, of functions from Facts to findings:
//
//	quorum.go       leaders, majorities, seals            version.go   skew, and what Crumpet was seen to work with
//	certificate.go  TLS, and who ends when                lease.go     Crumpet's own tokens
//	capacity.go     whether the largest node may be lost  drift.go     what `crumpet repair` finds
//	agent.go        how Nomad's agents are set up         router.go    how Fabios are set up, given up ones, and stale tables
//	clock.go        clocks, seen from the asking server   machine.go   the machine of the asking server
//	outside.go      instead, where no Crumpet server looks: machines that can't be reached
//
// Invariant: what could not be asked is a finding as well, with the reason. A gap is never taken for health.
package doctor
