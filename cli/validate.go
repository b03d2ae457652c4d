package cli

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/spec"
)

func newValidateCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check an app spec, without a server",
		Long:  `Reports every fault of an app spec at once, with the source line. FILE is ./crumpet.hcl unless said.`,
		Example: `  crumpet validate
  crumpet validate --json api/crumpet.hcl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := specPath(args)
			parsed, source, diags := spec.ParseFile(path, spec.Options{Filename: path})
			if asJSON {
				if err := s.printJSON(verdictOf(parsed != nil, diags)); err != nil {
					return err
				}
				return invalidSpec(parsed != nil, diags)
			}
			s.showDiagnostics(path, source, diags)
			if parsed != nil {
				s.print("%s is valid: app %q, %s.", path, parsed.App, processesText(len(parsed.Processes)))
			}
			return invalidSpec(parsed != nil, diags)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
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
