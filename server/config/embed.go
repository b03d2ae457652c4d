package config

import _ "embed" // for the default configuration

// DefaultHCL is the default configuration as a commented file.
//
//go:embed default.hcl
var DefaultHCL string
