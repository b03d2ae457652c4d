package spec

import (
	"fmt"
	"maps"
	"slices"
)

// schema says what may stand in a block's body.
type schema struct {
	kind    string            // how a sentence names the block
	attrs   []string          // NAME = ...
	blocks  map[string]block  // NAME { ... }, by type
	refused map[string]string // words that many would try here, and what is said to them
}

// block is one type of block in a body.
type block struct {
	label string // what its label is; "" for a block without one
	many  bool   // may stand several times: always so with a label
	body  *schema
}

// one is a block that stands once and has no name.
func one(body schema) block { return block{body: &body} }

// each is a block that may stand several times, told apart by its label.
func each(label string, body schema) block { return block{label: label, many: true, body: &body} }

// several is a block without a name that may stand several times.
func several(body schema) block { return block{many: true, body: &body} }

// The language. A new key needs a line here, in the decoder of its block and in reference.hcl.
var (
	fileSchema = schema{kind: "an app spec", blocks: map[string]block{
		"variable": each("the name of the variable", variableSchema),
		"locals":   several(schema{kind: "locals"}), // any name
		"app":      each("the app's name", appSchema),
	}}
	variableSchema = schema{
		kind: "variable", attrs: []string{"type", "default", "description", "sensitive"},
		blocks: map[string]block{"validation": several(schema{kind: "validation", attrs: []string{"condition", "error_message"}})},
	}

	appSchema = withBlocks(inEnvironment("app"), map[string]block{
		"build":       one(schema{kind: "build", attrs: []string{"builder", "main", "dir"}}),
		"environment": each("the name of the environment", environmentSchema),
	})
	environmentSchema = withRefused(inEnvironment("environment"), map[string]string{
		"build":       "One artifact serves every environment of an app, so build stands beside the environments, in app.",
		"environment": "Environments do not nest. Put this one beside the other, in app.",
	})

	buildSchema   = *appSchema.blocks["build"].body
	processSchema = withRefused(withBlocks(programSchema("process", "group", "task"), map[string]block{
		"port":       each("the name of the port", schema{kind: "port", attrs: []string{"protocol"}}),
		"route":      each("host and path", schema{kind: "route", attrs: []string{"port"}}),
		"health":     one(healthSchema),
		"restart":    one(schema{kind: "restart", attrs: []string{"attempts", "delay"}}),
		"reschedule": one(schema{kind: "reschedule", attrs: []string{"delay", "max_delay"}}),
		"sidecar":    each("the name of the sidecar", sidecarSchema),
		"placement":  one(withRefused(placementSchema, wholeApp)),
		"volume":     each("the name of the volume", schema{kind: "volume", attrs: []string{"size", "mount"}}),
	}, "instances", "disk", "startup", "shutdown_delay", "min_healthy", "strategy"), later, wholeApp, ofApp, nomadWords)
	sidecarSchema = withRefused(programSchema("sidecar", "task"), map[string]string{
		"port":      "A sidecar shares the ports of its process. Declare the port there.",
		"route":     "A route belongs to the process. Write it there, with the port that the sidecar listens on.",
		"health":    "An instance is well or not as a whole: write the probe in the process, with the port that the sidecar listens on.",
		"instances": "Every instance of the process has one of each sidecar.",
		"disk":      "An instance's programs share one folder. Write disk in the process.",
		"volume":    "A volume belongs to an instance, and all its programs have it. Write it in the process.",
	}, later, ofApp, nomadWords)
	taskSchema = withRefused(withBlocks(programSchema("task", "task"), nil, "phase", "attempts", "timeout"), sideWords, later, ofApp, nomadWords)
	cronSchema = withRefused(withBlocks(programSchema("cron", "task"), nil, "schedule", "time_zone", "overlap", "attempts", "timeout"), sideWords, later, ofApp, nomadWords)

	probeSchema  = schema{attrs: []string{"http", "tcp", "grpc", "exec", "port", "interval", "timeout", "failures"}}
	healthSchema = schema{kind: "health", attrs: []string{"path", "port", "interval", "timeout"}, blocks: map[string]block{
		"startup": one(probeSchema.of("startup")), "readiness": one(probeSchema.of("readiness")), "liveness": one(probeSchema.of("liveness")),
	}}

	deploySchema = schema{
		kind:  "deploy",
		attrs: []string{"strategy", "surge", "max_in_flight", "room", "unrouted", "deadline", "revert"},
		blocks: map[string]block{
			"canary":     one(schema{kind: "canary", attrs: []string{"instances", "traffic", "hold", "margin", "promote"}}),
			"blue_green": one(schema{kind: "blue_green", attrs: []string{"warm"}}),
		},
	}

	serviceSchema = schema{kind: "service", attrs: []string{"offering", "plan", "instance", "parameters"}, blocks: map[string]block{
		"bind": one(schema{kind: "bind", attrs: []string{"as", "env", "vcap", "change", "signal"}}),
	}}

	placementSchema = schema{kind: "placement", attrs: []string{"distinct_hosts"}, blocks: map[string]block{
		"constraint": several(schema{kind: "constraint", attrs: []string{"attribute", "operator", "value"}}),
		"affinity":   several(schema{kind: "affinity", attrs: []string{"attribute", "operator", "value", "weight"}}),
		"spread": several(schema{kind: "spread", attrs: []string{"attribute", "weight"}, blocks: map[string]block{
			"target": each("the value of the attribute", schema{kind: "target", attrs: []string{"percent"}}),
		}}),
	}}
)

// inEnvironment is what both an app and an environment may hold.
func inEnvironment(kind string) schema {
	return withRefused(schema{kind: kind, attrs: []string{"env"}, blocks: map[string]block{
		"process":   each("the name of the process", processSchema),
		"task":      each("the name of the task", taskSchema),
		"cron":      each("the name of the cron", cronSchema),
		"deploy":    one(deploySchema),
		"placement": one(withBlocks(placementSchema, nil, "pool", "datacenters")),
		"secret":    each("the name of the key", schema{kind: "secret", attrs: []string{"file", "mode"}}),
		"service":   each("the name of the service", serviceSchema),
	}}, later, ofProcess, nomadWords)
}

// programSchema is what everything that runs may hold. fragments are the levels of a Nomad job that
// its escape hatch reaches.
func programSchema(kind string, fragments ...string) schema {
	return schema{
		kind: kind,
		attrs: []string{
			"command", "args", "cpu", "cores", "memory", "memory_max", "user", "working_dir", "env", "kill_signal", "kill_timeout",
		},
		blocks: map[string]block{
			"logs":  one(schema{kind: "logs", attrs: []string{"max_files", "max_size"}}),
			"file":  each("the path of the file", schema{kind: "file", attrs: []string{"content", "template", "mode", "change", "signal"}}),
			"nomad": one(schema{kind: "nomad", attrs: fragments}),
		},
	}
}

func withBlocks(s schema, more map[string]block, attrs ...string) schema {
	s.attrs = append(slices.Clone(s.attrs), attrs...)
	s.blocks = maps.Clone(s.blocks)
	maps.Copy(s.blocks, more)
	return s
}

func withRefused(s schema, words ...map[string]string) schema {
	all := maps.Clone(s.refused)
	if all == nil {
		all = map[string]string{}
	}
	for _, more := range words {
		for word, said := range more {
			if _, known := s.blocks[word]; !known && !slices.Contains(s.attrs, word) && all[word] == "" {
				all[word] = said
			}
		}
	}
	s.refused = all
	return s
}

// of is the schema of one block with its name.
func (s schema) of(name string) schema {
	s.kind = name
	return s
}

// named is the schema of one block with its label, for its sentences.
func (s schema) named(label string) schema { return s.of(fmt.Sprintf("%s %q", s.kind, label)) }

// names lists what the schema knows, in order.
func (s schema) names() []string {
	names := append(slices.Clone(s.attrs), slices.Collect(maps.Keys(s.blocks))...)
	slices.Sort(names)
	return names
}

// examples are the labels that form shows.
var examples = map[string]string{
	"app": "hello", "process": "web", "port": "http", "route": "hello.example.com/", "sidecar": "proxy", "task": "migrate", "cron": "report",
	"file": "conf/app.conf", "environment": "staging", "target": "dc1", "variable": "greeting",
	"secret": "API_KEY", "service": "db", "volume": "data",
}

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
