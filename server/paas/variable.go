package paas

import (
	"fmt"
	"slices"
	"strings"
)

// Variables by which programs learn of bindings, as servicebinding.io and Cloud Foundry name them.
const (
	BindingRootVariable     = "SERVICE_BINDING_ROOT"
	VCAPServicesVariable    = "VCAP_SERVICES"
	VCAPApplicationVariable = "VCAP_APPLICATION"
)

// maxVariable is the longest name of a variable.
const maxVariable = 256

// CheckVariable says what is wrong with the name of a variable that an app's configuration or a binding
// gives to programs, or "".
func CheckVariable(name string) string {
	switch {
	case name == "":
		return "The name of a variable is empty. Give one such as API_KEY."
	case len(name) > maxVariable:
		return fmt.Sprintf("The name of the variable that begins with %q has %d characters; at most %d are allowed.", name[:20], len(name), maxVariable)
	case !variableName(name):
		return fmt.Sprintf("The name of the variable %q must begin with a letter or an underscore and hold only letters, digits and underscores, as in API_KEY.", name)
	case ReservedVariable(name):
		return fmt.Sprintf("The variable %s is set by Crumpet or Nomad, as are PORT, PORT_*, HOST, CRUMPET_*, NOMAD_*, VAULT_*, %s, %s and %s. Choose another name.", name, BindingRootVariable, VCAPServicesVariable, VCAPApplicationVariable)
	}
	return ""
}

// ReservedVariable says whether Crumpet or Nomad sets a variable of that name in programs.
func ReservedVariable(name string) bool {
	return slices.Contains([]string{"PORT", "HOST", BindingRootVariable, VCAPServicesVariable, VCAPApplicationVariable}, name) ||
		slices.ContainsFunc([]string{"PORT_", "CRUMPET_", "NOMAD_", "VAULT_"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func variableName(name string) bool {
	for i, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return name != ""
}

// MaxVariable is how long a line NAME="VALUE" of an environment file may be, its line feed counted: Nomad
// reads it into a buffer of that size, and ends the program over a longer one.
const MaxVariable = 64 << 10

// FitsVariable says whether a value can reach a program as a variable: whether its line in an environment
// file, in which quotes, backslashes and control characters take more room, is short enough.
func FitsVariable(name, value string) bool {
	n := len(name) + len("=\"\"\n")
	for _, r := range value {
		switch {
		case r == '"', r == '\\', r == '\n', r == '\r', r == '\t', r == '\b', r == '\f':
			n += 2
		case r < ' ', r == '\u2028', r == '\u2029':
			n += 6
		default:
			n += len(string(r))
		}
	}
	return n <= MaxVariable
}

// FileVariable names the variable with the path of a SecretFile.
func (f SecretFile) FileVariable() string { return f.Name + "_FILE" }
