// Package paas is the domain: the nouns of Crumpet and the rules that hold for them whatever
// stores, schedules or shows them.
//
// A paas.Spec says what a developer wants of an app. A paas.Release freezes one Spec with one
// artifact. A paas.Deployment is the walk from the release in one slot to the release in the other.
// A paas.Instance is what was seen of one Nomad allocation.
//
// Wishes (App, Release, Slotted, Deployment) are written by package deploy only; facts (Instance,
// RouteFact, JobFact) by package watch only. No field is ever both.
//
// Invariant: standard library only; no I/O, no clock, no context.
package paas
