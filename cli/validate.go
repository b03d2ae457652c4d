package cli

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

func newValidateCmd(s *session) *cobra.Command {
	var asJSON, printed bool
	var flags *specFlags
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check an app spec, without a server",
		Long: `Reports every fault of an app spec at once, with the source line: of the app and of each of its
environments, whichever --env names. FILE is ./crumpet.hcl unless said.

With --print the spec is written as it is meant: variables, locals and functions computed, the
environment merged in, and what is a default left out.`,
		Example: `  crumpet validate
  crumpet validate --env staging --print
  crumpet validate --var replicas=3 --json api/crumpet.hcl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if asJSON && printed {
				return usagef("--print writes HCL and --json writes JSON: leave one of them out")
			}
			path := specPath(args)
			options, err := flags.options(path)
			if err != nil {
				return err
			}
			parsed, source, diags := spec.ParseFile(path, options)
			if asJSON {
				if err := s.printJSON(verdictOf(parsed != nil, diags)); err != nil {
					return err
				}
				return invalidSpec(parsed != nil, diags)
			}
			s.showDiagnostics(path, source, diags)
			switch {
			case parsed == nil:
			case printed:
				if _, err := s.out.Write(spec.Print(*parsed)); err != nil {
					return err
				}
			default:
				s.print("%s is valid: app %q, %s.", path, parsed.App, contentsText(*parsed, environments(path)))
			}
			return invalidSpec(parsed != nil, diags)
		},
	}
	flags = s.specFlags(cmd)
	cmd.Flags().BoolVar(&printed, "print", false, "write the spec as it is meant, with --env merged in")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// contentsText counts what a spec holds: 2 processes, 1 task; environments staging and prod.
func contentsText(parsed paas.Spec, environments []string) string {
	text := processesText(len(parsed.Processes))
	if n := len(parsed.Tasks); n > 0 {
		text += ", " + count(n, "task")
	}
	if n := len(parsed.Crons); n > 0 {
		text += ", " + count(n, "cron")
	}
	switch n := len(environments); {
	case n == 1:
		text += "; environment " + environments[0]
	case n > 1:
		text += "; environments " + strings.Join(environments[:n-1], ", ") + " and " + environments[n-1]
	}
	return text
}

func processesText(n int) string {
	if n == 1 {
		return "1 process"
	}
	return count(n, "processe")
}

func specPath(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return spec.FileName
}

// invalidSpec is the failure of a spec whose diagnostics have been shown.
func invalidSpec(valid bool, diags hcl.Diagnostics) error {
	if valid {
		return nil
	}
	return &saidError{diags}
}

// showDiagnostics prints them as Nomad and Terraform do, with the source lines.
func (s *session) showDiagnostics(path string, source []byte, diags hcl.Diagnostics) {
	if len(diags) > 0 {
		s.say("%s", strings.TrimRight(spec.Text(diags, map[string][]byte{path: source}, uint(s.width), s.color), "\n"))
	}
}

// verdict is the JSON of validate.
type verdict struct {
	Valid       bool         `json:"valid"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type diagnostic struct {
	Severity string       `json:"severity"` // error or warning
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Range    *sourceRange `json:"range"` // null if it is about no place in the file
}

type sourceRange struct {
	Filename string   `json:"filename"`
	Start    position `json:"start"`
	End      position `json:"end"`
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

func verdictOf(valid bool, diags hcl.Diagnostics) verdict {
	v := verdict{Valid: valid, Diagnostics: []diagnostic{}}
	for _, d := range diags {
		line := diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			line.Severity = "warning"
		}
		if d.Subject != nil {
			line.Range = &sourceRange{
				Filename: d.Subject.Filename,
				Start:    position{d.Subject.Start.Line, d.Subject.Start.Column},
				End:      position{d.Subject.End.Line, d.Subject.End.Column},
			}
		}
		v.Diagnostics = append(v.Diagnostics, line)
	}
	return v
}
