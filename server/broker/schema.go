package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	longestSchema = 64 << 10 // bytes, as the specification has it
	deepestSchema = 100      // objects and arrays within each other; compiling takes the cube of it
	widestSchema  = 4000     // objects and arrays in all
	schemaName    = "plan:///parameters"
)

// Validate holds parameters to the schema of a plan; a nil schema takes any object. The error is of code
// invalid and has every fault by its key path; it never holds a value, which may be a password.
func Validate(schema json.RawMessage, given paas.Secret) error {
	text := given.Reveal()
	if text == "" {
		text = "{}"
	}
	if _, problem := readObject([]byte(text)); problem != "" {
		return paas.Errorf(paas.Invalid, "The parameters are not a JSON object. Give one such as {\"size\": 3}.")
	}
	if schema == nil {
		return nil
	}
	compiled, problem := compile(schema)
	if problem != "" {
		return paas.Errorf(paas.Invalid, "The plan's schema of parameters can't be used: it %s. Tell the broker's operator.", problem)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return paas.Errorf(paas.Invalid, "The parameters are not a JSON object. Give one such as {\"size\": 3}.")
	}
	if tooMuch(compiled, value) {
		return paas.Errorf(paas.Invalid, "The plan's schema of parameters would take too long to hold these parameters to. Give fewer of them, or tell the broker's operator.")
	}
	var invalid *jsonschema.ValidationError
	if err = compiled.Validate(value); err == nil || !errors.As(err, &invalid) {
		return err
	}
	faults := unfold(invalid, nil)
	slices.SortFunc(faults, func(a, b paas.Fault) int {
		return strings.Compare(a.Location+"\x00"+a.Message, b.Location+"\x00"+b.Message)
	})
	faults = slices.Compact(faults)
	e := paas.Errorf(paas.Invalid, "The parameters don't fit the plan: %s %s. `crumpet services catalog` shows what it takes.", faults[0].Location, faults[0].Message)
	e.Faults = faults
	return e
}

// nothing is a loader that loads nothing: a schema must not refer to what is outside of it.
type nothing struct{ asked bool }

var errOutside = errors.New("outside of the schema")

// Load notes that something was to be loaded.
func (n *nothing) Load(string) (any, error) {
	n.asked = true
	return nil, errOutside
}

// lenient is an expression of JavaScript's that Go has no form for. It is left to the broker to judge.
type lenient string

func (l lenient) String() string        { return string(l) }
func (lenient) MatchString(string) bool { return true }

// expression compiles a pattern; Go's take linear time, whatever a stranger writes.
func expression(text string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return lenient(text), nil
	}
	return re, nil
}

// compile makes a schema usable, or says what is wrong with it.
func compile(raw json.RawMessage) (s *jsonschema.Schema, problem string) {
	if len(raw) > longestSchema {
		return nil, "is larger than 64 kB"
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, "is not JSON"
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return nil, "is not an object"
	}
	if draft, ok := fields["$schema"].(string); !ok || draft == "" {
		return nil, "has no $schema to say which version of JSON schema it is written in"
	}
	wide := 0
	if deep := measure(doc, &wide); deep > deepestSchema || wide > widestSchema {
		return nil, fmt.Sprintf("holds more than %d objects and arrays, or more than %d within each other", widestSchema, deepestSchema)
	}
	compiler := jsonschema.NewCompiler()
	outside := &nothing{}
	compiler.UseLoader(outside)
	compiler.UseRegexpEngine(expression)
	if err := compiler.AddResource(schemaName, doc); err != nil {
		return nil, "can't be read"
	}
	s, err = compiler.Compile(schemaName)
	switch {
	case outside.asked:
		return nil, "refers to what is outside of it, or is written in a version of JSON schema that is not known"
	case err != nil:
		return nil, "is not valid by the version of JSON schema that it names"
	}
	return s, ""
}

// measure counts objects and arrays, and gives how deep they stand in each other.
func measure(value any, wide *int) (deep int) {
	switch v := value.(type) {
	case map[string]any:
		for _, in := range v {
			deep = max(deep, measure(in, wide))
		}
	case []any:
		for _, in := range v {
			deep = max(deep, measure(in, wide))
		}
	default:
		return 0
	}
	*wide++
	return deep + 1
}

// unfold takes the innermost faults of a tree of them.
func unfold(e *jsonschema.ValidationError, faults []paas.Fault) []paas.Fault {
	if len(e.Causes) > 0 {
		switch e.ErrorKind.(type) {
		case *kind.AnyOf, *kind.OneOf, *kind.Not: // one of the causes would be enough: none of them is the fault
		default:
			for _, cause := range e.Causes {
				faults = unfold(cause, faults)
			}
			return faults
		}
	}
	at := strings.Join(append([]string{"parameters"}, e.InstanceLocation...), ".")
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			faults = append(faults, paas.Fault{Location: at + "." + name, Message: "is required"})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			faults = append(faults, paas.Fault{Location: at + "." + name, Message: "is not known to the plan"})
		}
	default:
		faults = append(faults, paas.Fault{Location: at, Message: breach(e.ErrorKind)})
	}
	return faults
}

// breach says what is wrong with a value without showing it.
func breach(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "is not of type " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return fmt.Sprintf("is none of the %d values that the plan allows", len(k.Want))
	case *kind.Pattern:
		return "does not match " + clean(k.Want, longestDescription)
	case *kind.Format:
		return "is not a valid " + clean(k.Want, longestWord)
	case *kind.MinLength:
		return fmt.Sprintf("is shorter than %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("is longer than %d characters", k.Want)
	case *kind.Minimum:
		return "is less than " + k.Want.RatString()
	case *kind.Maximum:
		return "is more than " + k.Want.RatString()
	case *kind.FalseSchema:
		return "is not allowed"
	case *kind.AnyOf, *kind.OneOf:
		return "fits none, or more than one, of the forms that the plan allows"
	}
	return "breaks the rule " + strings.Join(k.KeywordPath(), ".") + " of the plan's schema"
}
