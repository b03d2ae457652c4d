package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// tokens stand for references while expressions are computed. Only the node knows the value of
// ${port.http}, yet "${host.http}:${port.http}" may go through merge, join or jsonencode: so each
// reference is a text that nothing else can hold, and is found again in the result. What would look
// into such a text, and not only carry it, is refused (see function.go).
//
//	U+E0C0 SALT aAN U+E0C1     N counts the references of the file
//
// The salt is a digest of all that was given, which can't be written into what it is a digest of.
type tokens struct {
	src   []byte
	given Options
	mark  string // how each begins; "" before the first
	refs  []paas.Ref
}

const tokenEnd = "\ue0c1"

func (t *tokens) seed(src []byte, o Options) { t.src, t.given = src, o }

// of gives the token of a reference, the same for the same reference.
func (t *tokens) of(ref paas.Ref) string {
	if t.mark == "" {
		t.mark = "\ue0c0" + t.salt() + "aA"
	}
	for i, known := range t.refs {
		if known == ref {
			return t.text(i)
		}
	}
	t.refs = append(t.refs, ref)
	return t.text(len(t.refs) - 1)
}

func (t *tokens) text(i int) string { return t.mark + strconv.Itoa(i) + tokenEnd }

func (t *tokens) salt() string {
	h := sha256.New()
	h.Write(t.src) // a hash never fails to write
	for _, v := range t.given.Variables {
		h.Write([]byte(v.Name + "=" + v.Value + "\n"))
	}
	for _, f := range t.given.VarFiles {
		h.Write([]byte(f.Text))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// split takes a text apart at its tokens; neighbouring literals are one part.
func (t *tokens) split(s string) paas.Value {
	if t.mark == "" || !strings.Contains(s, t.mark) {
		return paas.Literal(s)
	}
	var v paas.Value
	for s != "" {
		before, rest, found := strings.Cut(s, t.mark)
		number, after, ended := strings.Cut(rest, tokenEnd)
		i, err := strconv.Atoi(number)
		if !found || !ended || err != nil || i < 0 || i >= len(t.refs) {
			return extend(v, s)
		}
		v = extend(v, before)
		ref := t.refs[i]
		v = append(v, paas.Part{Ref: &ref})
		s = after
	}
	return v
}

// name shows the first reference in a text, or "".
func (t *tokens) name(s string) string {
	if t.mark == "" || !strings.Contains(s, t.mark) {
		return ""
	}
	for _, p := range t.split(s) {
		if p.Ref != nil {
			return refText(*p.Ref)
		}
	}
	return ""
}

// found is what references a value holds: one in a text, and one in the name of something.
type found struct{ text, key string }

// in looks for references in a value without marks.
func (t *tokens) in(v cty.Value) (f found) {
	if t.mark == "" {
		return f
	}
	t.look(v, &f)
	return f
}

func (t *tokens) look(v cty.Value, f *found) {
	ty := v.Type()
	switch {
	case v.IsNull() || !v.IsKnown():
	case ty == cty.String:
		if f.text == "" {
			f.text = t.name(v.AsString())
		}
	case ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType():
		named := ty.IsMapType() || ty.IsObjectType()
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			if named && f.key == "" {
				f.key = t.name(key.AsString())
			}
			t.look(element, f)
		}
	}
}

// other gives a value with other tokens, shorter ones, in place of its own.
func (t *tokens) other(v cty.Value) cty.Value {
	twin, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			return cty.StringVal(strings.ReplaceAll(v.AsString(), t.mark, "\ue0c2")), nil
		}
		return v, nil
	})
	if err != nil { // the function above gives none
		return v
	}
	return twin
}

func refText(r paas.Ref) string {
	if r.Name == "" {
		return string(r.Kind)
	}
	return string(r.Kind) + "." + r.Name
}

// shown is a traversal as it was written.
func shown(t hcl.Traversal) string {
	if t.RootName() == hostItself {
		return string(paas.RefHost)
	}
	return text(t)
}
