package spec

import (
	"slices"
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
		d.readings[at.key()] = reading{b, strategy, v}
		return v
	}
	if r, known := d.base.readings[at.key()]; known && r.block == b && r.strategy == strategy {
		d.inherited[at.key()] = true
		return r.value.(T)
	}
	return read()
}

// onlyRoutes says that all an environment says of a process is where its requests come from.
func onlyRoutes(b *hclsyntax.Block) bool {
	return b.Type == "process" && len(b.Body.Attributes) == 0 && !slices.ContainsFunc(b.Body.Blocks, func(b *hclsyntax.Block) bool {
		return b.Type != "route" || len(b.Labels) != 1
	})
}

// reroute gives a process that differs from the app's in its routes only, the one thing that most
// environments change; ok is false for any other.
func (d *decoder) reroute(at place, b *hclsyntax.Block, strategy paas.Strategy) (p paas.Process, ok bool) {
	own, ok := d.routes[b]
	if !ok {
		return p, false
	}
	before, known := d.base.readings[at.key()]
	if !known || before.block != own || before.strategy != strategy {
		return p, false
	}
	p, ok = before.value.(paas.Process)
	p.Routes = nil
	for _, block := range b.Body.Blocks {
		if block.Type == "route" {
			p.Routes = append(p.Routes, d.route(at, len(p.Routes), block, distinct(p.Ports)))
		}
	}
	d.inherited[at.key()], d.rerouted[at.key()] = true, true
	return p, ok
}

// reader is the decoder that has read what stands at a key.
func (d *decoder) reader(key string) *decoder {
	if process, _, route := strings.Cut(key, ".route#"); route && d.rerouted[process] {
		return d
	}
	for key != "" {
		if d.inherited[key] {
			return d.base
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return d
}
