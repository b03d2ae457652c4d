package fleet

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// places are where things stand in the file, by key path: machine.server-1.address. The second of two with one
// name has the path machine.server-1#2.
type places struct {
	known map[string]hcl.Range
	whole hcl.Range
}

// find gathers the places of a file.
func find(body hcl.Body) places {
	root, ok := body.(*hclsyntax.Body)
	if !ok {
		return places{}
	}
	start := root.SrcRange
	start.Start = hcl.InitialPos
	p := places{known: map[string]hcl.Range{}, whole: start}
	p.add("", root)
	return p
}

func (p places) add(path string, body *hclsyntax.Body) {
	for name, a := range body.Attributes {
		p.known[path+name] = a.Expr.Range()
	}
	seen := map[string]int{}
	for _, b := range body.Blocks {
		key := path + strings.Join(append([]string{b.Type}, b.Labels...), ".")
		at := b.TypeRange
		if len(b.LabelRanges) > 0 {
			at = b.LabelRanges[0]
		}
		seen[key]++
		key = numbered(key, seen[key])
		p.known[key] = at
		if _, ok := p.known[path+b.Type]; !ok {
			p.known[path+b.Type] = at
		}
		p.add(key+".", b.Body)
	}
}

// of gives the place of the key path, or of what it is a part of.
func (p places) of(path string) string {
	for {
		if at, ok := p.known[path]; ok {
			return place(at)
		}
		i := strings.LastIndex(path, ".")
		if i < 0 {
			return place(p.whole)
		}
		path = path[:i]
	}
}
