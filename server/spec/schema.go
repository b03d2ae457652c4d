package spec

import (
	"fmt"
	"maps"
	"slices"
)

// schema says what may stand in a block's body.
type schema struct {
	kind   string            // how a sentence names the block
	attrs  []string          // NAME = ...
	blocks map[string]string // by type, what its label is; "" for a block without one, at most once
}

// The language. A new key needs a line here, in decode.go and in reference.hcl.
var (
	fileSchema = schema{kind: "an app spec", blocks: map[string]string{"app": "the app's name"}}
	appSchema  = schema{
		kind: "app", attrs: []string{"env"},
		blocks: map[string]string{"build": "", "process": "the name of the process"},
	}
	buildSchema   = schema{kind: "build", attrs: []string{"builder", "main", "dir"}}
	processSchema = schema{
		kind: "process",
		attrs: []string{
			"command", "instances", "cpu", "memory", "startup", "shutdown_delay", "kill_timeout", "min_healthy", "strategy", "env",
		},
		blocks: map[string]string{"port": "the name of the port", "route": "host and path", "health": "", "restart": ""},
	}
	portSchema    = schema{kind: "port"}
	routeSchema   = schema{kind: "route", attrs: []string{"port"}}
	healthSchema  = schema{kind: "health", attrs: []string{"path", "port", "interval", "timeout"}}
	restartSchema = schema{kind: "restart", attrs: []string{"attempts", "delay"}}
)

// of is the schema of one block with its name.
func (s schema) of(name string) schema {
	s.kind = fmt.Sprintf("%s %q", s.kind, name)
	return s
}

// names lists what the schema knows, in order.
func (s schema) names() []string {
	names := append(slices.Clone(s.attrs), slices.Collect(maps.Keys(s.blocks))...)
	slices.Sort(names)
	return names
}

// examples are the labels that form shows.
var examples = map[string]string{"app": "hello", "process": "web", "port": "http", "route": "hello.example.com/"}

// form shows how a block is written.
func form(kind, label string) string {
	if label == "" {
		return kind + " { ... }"
	}
	return fmt.Sprintf("%s %q { ... }", kind, examples[kind])
}

// hint names the key or block nearest to name, or all of them.
func (s schema) hint(name string) string {
	known := s.names()
	if near := suggest(name, known); near != "" {
		return near
	}
	if len(known) == 0 {
		return " It has no keys: leave this out."
	}
	return fmt.Sprintf(" It may hold %s.", list(known))
}
