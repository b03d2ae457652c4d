// Package render renders the templates of a task with consul-template, the
// library Nomad uses.
//
//	templates + environment + Vault -> files, and news of files that changed
//
// A Renderer lives as long as its task: what it reads may change, and then it
// renders again and says which templates did. The functions plugin and
// writeToFile are denied, and files are read and written below the allocation's
// folder only.
//
// Invariant: it decides nothing about processes; the caller acts on a change.
package render
