package render

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-envparse"
)

// Env reads a rendered file of variables as Nomad does, by the same library.
func Env(text string) (map[string]string, error) {
	vars, err := envparse.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("error in variables: %w", err)
	}
	return vars, nil
}
