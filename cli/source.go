package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// varPrefix begins the environment variables that give variables of a spec their values.
const varPrefix = spec.EnvPrefix

// varFlag is the origin of a value that --var gave.
const varFlag = spec.OriginFlag

// specFlags are the flags of every command that reads an app spec: which of its environments is
// meant, and the values of its variables.
type specFlags struct {
	environment string
	vars        []string
	varFiles    []string
}

// specFlags adds them to a command.
func (s *session) specFlags(cmd *cobra.Command) *specFlags {
	f := &specFlags{}
	flags := cmd.Flags()
	flags.StringVar(&f.environment, "env", "", "environment of the spec to merge in; the app is then NAME-ENV")
	flags.StringArrayVar(&f.vars, "var", nil, "value of a variable, NAME=VALUE (also "+varPrefix+"NAME)")
	flags.StringArrayVar(&f.varFiles, "var-file", nil, "file of values, a line NAME = VALUE each")
	must(cmd.RegisterFlagCompletionFunc("env", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return environments(completedSpec(args)), cobra.ShellCompDirectiveNoFileComp
	}))
	must(cmd.RegisterFlagCompletionFunc("var", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, b := range blocks(completedSpec(args), "variable") {
			names = append(names, b+"=")
		}
		return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}))
	return f
}

// options are those for parsing the spec at path. The order of variables is that in which the last
// wins: the process's environment, then --var.
func (f *specFlags) options(path string) (spec.Options, error) {
	o := spec.Options{Filename: path, Environment: f.environment}
	declared := blocks(path, "variable") // no other value is any of the server's business
	environ := os.Environ()
	slices.Sort(environ)
	for _, line := range environ {
		if rest, ok := strings.CutPrefix(line, varPrefix); ok {
			if name, value, _ := strings.Cut(rest, "="); slices.Contains(declared, name) {
				o.Variables = append(o.Variables, spec.Variable{Name: name, Value: value, Origin: varPrefix + name})
			}
		}
	}
	for _, text := range f.vars {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return o, usagef("--var takes NAME=VALUE; one of them has no equals sign, or nothing before it") // what it has may be a secret
		}
		o.Variables = append(o.Variables, spec.Variable{Name: name, Value: value, Origin: varFlag})
	}
	for _, name := range f.varFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			return o, usagef("--var-file can't be read: %s", err)
		}
		o.VarFiles = append(o.VarFiles, spec.VarFile{Name: name, Text: string(text)})
	}
	return o, nil
}

// wireSource is what a server needs to read the same spec in the same way.
func wireSource(text []byte, o spec.Options) wire.Source {
	source := wire.Source{Spec: string(text), Filename: filepath.Base(o.Filename), Environment: o.Environment}
	for _, v := range o.Variables {
		source.Variables = append(source.Variables, wire.Variable(v))
	}
	for _, f := range o.VarFiles {
		source.VarFiles = append(source.VarFiles, wire.VarFile(f))
	}
	return source
}

// completedSpec is the file that a half-written command line is about.
func completedSpec(args []string) string {
	path := specPath(args)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, spec.FileName)
	}
	return path
}

func environments(path string) []string { return blocks(path, "environment") }

// blocks gives the labels of all blocks of a kind in a spec, at its top or in its app; none if the
// file can't be read.
func blocks(path, kind string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	file, _ := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	var labels []string
	for _, b := range body.Blocks {
		within := []*hclsyntax.Block{b}
		if b.Type == "app" {
			within = append(within, b.Body.Blocks...)
		}
		for _, b := range within {
			if b.Type == kind && len(b.Labels) > 0 {
				labels = append(labels, b.Labels[0])
			}
		}
	}
	return labels
}
