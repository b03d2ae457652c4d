package taskenv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// UnknownError is the name of a variable that is not there.
type UnknownError string

func (e UnknownError) Error() string {
	return fmt.Sprintf("Unknown variable: There is no variable named %q.", string(e))
}

// ReplaceArgument puts values into a text of a driver's configuration. To Nomad each of those is a template
// of HCL, with its escapes $${ and %%{ and its texts ${"..."}, and an unknown reference is an error.
func (e *Env) ReplaceArgument(s string) (string, error) {
	template, diags := hclsyntax.ParseTemplate([]byte(s), "argument", hcl.InitialPos)
	if diags.HasErrors() {
		return "", diags
	}
	parts := []hclsyntax.Expression{template}
	switch t := template.(type) {
	case *hclsyntax.TemplateExpr:
		parts = t.Parts
	case *hclsyntax.TemplateWrapExpr:
		parts = []hclsyntax.Expression{t.Wrapped}
	}
	var out strings.Builder
	var failures []error
	for _, part := range parts {
		text, err := e.part(s, part)
		if err != nil {
			failures = append(failures, err)
		}
		out.WriteString(text)
	}
	return out.String(), errors.Join(failures...)
}

// part is the value of a text or of a reference. The references are looked up by their text: names of
// attributes hold dots, and one may begin another.
func (e *Env) part(s string, part hclsyntax.Expression) (string, error) {
	if len(part.Variables()) > 0 {
		name := strings.TrimSpace(string(part.Range().SliceBytes([]byte(s))))
		value, known := e.lookup(name)
		if !known {
			return "", UnknownError(name)
		}
		return value, nil
	}
	value, diags := part.Value(&hcl.EvalContext{})
	if diags.HasErrors() {
		return "", diags
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil {
		return "", fmt.Errorf("argument %q: %w", s, err)
	}
	if text.IsNull() {
		return "", fmt.Errorf("argument %q: the value is null", s)
	}
	return text.AsString(), nil
}
