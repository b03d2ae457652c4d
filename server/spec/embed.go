package spec

import _ "embed"

// Reference is an app spec that shows every key of the language, with its default where it has one.
//
//go:embed reference.hcl
var Reference string
