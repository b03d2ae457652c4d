package render

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Env reads a rendered file of variables, NAME=VALUE by line. Comments, empty
// lines, the word export and quotes are known.
func Env(text string) (map[string]string, error) {
	vars := map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !found || name == "" {
			return nil, fmt.Errorf("error on line %d: missing =", number)
		}
		value, err := unquote(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("error on line %d: %w", number, err)
		}
		vars[name] = value
	}
	return vars, nil
}

func unquote(value string) (string, error) {
	switch {
	case strings.HasPrefix(value, `"`):
		unquoted, err := strconv.Unquote(value)
		if err != nil {
			return "", fmt.Errorf("bad quotes: %w", err)
		}
		return unquoted, nil
	case strings.HasPrefix(value, "'"):
		if len(value) < 2 || !strings.HasSuffix(value, "'") {
			return "", errors.New("unmatched quotes")
		}
		return value[1 : len(value)-1], nil
	}
	before, _, _ := strings.Cut(value, " #")
	return strings.TrimSpace(before), nil
}
