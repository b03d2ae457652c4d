// Package config turns an HCL file, the environment and flags into one Config: default < file <
// environment < flags. No other package reads any of them.
//
//	Default() --File--> --Env--> --flags (package cli)--> Validate: every fault at once
//
// default.hcl is what `crumpet server --print-default-config` prints: every key, with its default and
// what it is for. A test holds it against Default.
package config
