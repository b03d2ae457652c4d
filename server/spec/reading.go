package spec

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// reading is a block of the app with what it became, which for a process also depends on the strategy.
type reading struct {
	block    *hclsyntax.Block
	strategy paas.Strategy
	value    any
}

// once reads a block that depends on nothing around it but the strategy. Where an environment has the very
// block of its app, it became the same, and what is wrong with it has been said.
func once[T any](d *decoder, at place, b *hclsyntax.Block, strategy paas.Strategy, read func() T) T {
	if d.base == nil {
		v := read()
		d.readings[at.key] = reading{b, strategy, v}
		return v
	}
	if r, known := d.base.readings[at.key]; known && r.block == b && r.strategy == strategy {
		d.inherited[at.key] = true
		return r.value.(T)
	}
	return read()
}

// reader is the decoder that has read what stands at a key.
func (d *decoder) reader(key string) *decoder {
	for key != "" {
		if d.inherited[key] {
			return d.base
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return d
}
