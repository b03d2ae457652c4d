package vault

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// A value becomes an environment variable, of which Linux takes 128 KiB at most, and all values of an app
// are one entry of Vault's storage: at most 512 KiB where that is Consul.
const (
	MaxSecretValue = 64 << 10
	MaxSecrets     = 256 << 10 // names and values of an app together
	maxSecretName  = 256
)

// CheckSecrets says what is wrong with names and sizes: all of it, with code invalid, and never a value.
func CheckSecrets(values map[string]string) error {
	var faults []paas.Fault
	total := 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if wrong := checkSecretName(name); wrong != "" {
			faults = append(faults, paas.Fault{Location: name, Message: wrong})
		}
		if size := len(values[name]); size > MaxSecretValue {
			faults = append(faults, paas.Fault{Location: name, Message: fmt.Sprintf(
				"The value of %q has %d bytes; at most %d are allowed. Keep it as a file of the app, or in a service.", name, size, MaxSecretValue)})
		}
		if !utf8.ValidString(values[name]) { // JSON would change it
			faults = append(faults, paas.Fault{Location: name, Message: fmt.Sprintf("The value of %q is not text in UTF-8. Give it in base64, and have the app decode it.", name)})
		}
		total += len(name) + len(values[name])
	}
	if total > MaxSecrets && len(faults) == 0 {
		faults = append(faults, paas.Fault{Message: fmt.Sprintf(
			"The config and secrets of an app may have %d bytes together; these %d have %d. Take the largest away.", MaxSecrets, len(values), total)})
	}
	if len(faults) == 0 {
		return nil
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}

// checkSecretName says what is wrong with a name, or "": it must be one of an environment variable.
func checkSecretName(name string) string {
	switch {
	case name == "":
		return "A name is empty. Give one such as API_KEY."
	case len(name) > maxSecretName:
		return fmt.Sprintf("The name that begins with %q has %d characters; at most %d are allowed.", name[:20], len(name), maxSecretName)
	}
	for i, r := range name {
		switch {
		case r == '_', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z':
		case '0' <= r && r <= '9':
			if i == 0 {
				return fmt.Sprintf("The name %q begins with a digit. Begin it with a letter or _.", name)
			}
		default:
			return fmt.Sprintf("The name %q holds %q. Use letters, digits and _ only, as in API_KEY.", name, r)
		}
	}
	return ""
}
