package devstack

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// Embedded is the version of a program whose stand-in is used.
const Embedded = "embedded"

// Program is one part of the stack: a real program, or its stand-in when Path is empty.
type Program struct {
	Path    string
	Version string // Embedded for the stand-in
}

// Real says whether it is a program of its own.
func (p Program) Real() bool { return p.Path != "" }

// Programs are the four parts of a stack.
type Programs struct {
	Nomad, Consul, Vault, Fabio Program
}

// Stack lists the version of each part, "embedded" for a stand-in.
func (p Programs) Stack() map[string]string {
	return map[string]string{
		"nomad": cmp.Or(p.Nomad.Version, Embedded), "consul": cmp.Or(p.Consul.Version, Embedded),
		"vault": cmp.Or(p.Vault.Version, Embedded), "fabio": cmp.Or(p.Fabio.Version, Embedded),
	}
}

// Find chooses the programs of a stack: "embedded" takes stand-ins only, "auto" whatever is on PATH, and "real"
// demands all four. OpenBao's bao serves in Vault's place.
func Find(stack string) (Programs, error) {
	var p Programs
	if stack != "auto" && stack != "embedded" && stack != "real" {
		return p, fmt.Errorf("stack %q is not known: use auto, embedded or real", stack)
	}
	var missing []string
	for _, part := range []struct {
		into  *Program
		names []string
	}{
		{&p.Nomad, []string{"nomad"}},
		{&p.Consul, []string{"consul"}},
		{&p.Vault, []string{"vault", "bao"}},
		{&p.Fabio, []string{"fabio"}},
	} {
		*part.into = Program{Version: Embedded}
		if stack == "embedded" {
			continue
		}
		found := find(part.names)
		if found.Real() {
			*part.into = found
		} else {
			missing = append(missing, strings.Join(part.names, " or "))
		}
	}
	if stack == "real" && len(missing) > 0 {
		return p, fmt.Errorf("not on PATH: %s. Install what is missing, or use --stack auto", strings.Join(missing, ", "))
	}
	return p, nil
}

func find(names []string) Program {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return Program{Path: path, Version: version(path, name)}
		}
	}
	return Program{}
}

var versionNumber = regexp.MustCompile(`v?(\d+\.\d+\.\d+\S*)`)

// version asks a program for its version; one that does not say is still a program.
func version(path, name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	argument := "version"
	if name == "fabio" {
		argument = "-version"
	}
	out, err := exec.CommandContext(ctx, path, argument).Output()
	if err != nil {
		return "unknown"
	}
	number := versionNumber.FindStringSubmatch(string(out))
	if number == nil {
		return "unknown"
	}
	return strings.TrimSuffix(number[1], ",")
}
