package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/build/detect"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/templates"
)

func newInitCmd(s *session) *cobra.Command {
	var template, dir string
	var show bool
	cmd := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Draft an app spec for a folder, or make a new app",
		Long: `Without NAME: looks at the source in the current folder (Go, Node, Python, static, with or without
a Procfile or Dockerfile) and writes a crumpet.hcl that fits it, each choice with its reason. An
app spec that is there already is left alone.

With NAME: makes the folder ./NAME with an app called NAME from a template, ready to be pushed. It
fails if the folder exists.

Templates: ` + strings.Join(templates.Names(), ", ") + `.`,
		Example: `  crumpet init && crumpet plan
  crumpet init --dir ./api --print
  crumpet init --template go-web hello && cd hello && crumpet push`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && cmd.Flags().Changed("template"):
				return usagef("--template makes a new app and wants its name: crumpet init --template %s NAME", template)
			case len(args) == 0:
				return s.draft(dir, show)
			case show || cmd.Flags().Changed("dir"):
				return usagef("--dir and --print are for a folder that is there, and %q is the name of a new app: leave one out", args[0])
			}
			return s.fromTemplate(template, args[0])
		},
	}
	cmd.Flags().StringVar(&template, "template", templates.GoWeb, "template of a new app: "+strings.Join(templates.Names(), " or "))
	cmd.Flags().StringVar(&dir, "dir", ".", "folder to look at")
	cmd.Flags().BoolVar(&show, "print", false, "print the draft and write nothing")
	must(cmd.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return templates.Names(), cobra.ShellCompDirectiveNoFileComp
	}))
	must(cmd.MarkFlagDirname("dir"))
	return cmd
}

func (s *session) fromTemplate(template, name string) error {
	if problem := paas.CheckName("app", name, paas.MaxApp); problem != "" {
		return &usageError{paas.Errorf(paas.Invalid, "%s", problem)}
	}
	files, err := templates.Write(template, name, name)
	if err != nil {
		return err
	}
	s.print("Made ./%s with %s: %s.", name, count(len(files), "file"), strings.Join(files, ", "))
	s.print("Next: cd %s && crumpet push", name)
	return nil
}

// draft writes an app spec for the source in a folder.
func (s *session) draft(dir string, show bool) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return usagef("--dir %s is no folder", dir)
	}
	found, err := detect.Detect(os.DirFS(abs), filepath.Base(abs))
	if err != nil {
		return err
	}
	text, diags := spec.Format(found.Text, spec.FileName)
	if diags.HasErrors() {
		return paas.Wrap(paas.Internal, diags, "The draft for %s is no app spec.", dir)
	}
	if show {
		_, err := s.out.Write(text)
		return err
	}
	path := filepath.Join(dir, spec.FileName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return paas.Errorf(paas.Conflict, "There is a %s already, and it was left alone. See what would be drafted with `crumpet init --print`.", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	s.print("Wrote %s for %s: app %q. Each choice has its reason beside it.", path, found.Kind, found.App)
	s.print("Next: crumpet plan, or crumpet push")
	return nil
}
