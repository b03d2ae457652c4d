package api

import (
	"context"
	"net/http"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Nodes looks after the machines that run instances. A node is named by its name, its id or the id's
// beginning. Codes: not_found, conflict where several have the name, unavailable.
type Nodes interface {
	Nodes(ctx context.Context) ([]paas.NodeView, error)
	Node(ctx context.Context, name string) (paas.NodeView, error)
	Drain(ctx context.Context, name, by string) (paas.NodeView, error)
	Undo(ctx context.Context, name, by string) (paas.NodeView, error)
}

// NodeScope is the input of a call about one node. Nodes are of no team.
type NodeScope struct {
	Scope
	Node string `path:"node" doc:"The node's name, its id, or the beginning of that."`
}

func (a *API) nodes(ctx context.Context, in *Scope) (*body[wire.Nodes], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Nodes.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &body[wire.Nodes]{wire.Nodes{Items: items(list)}}, nil
}

func (a *API) node(ctx context.Context, in *NodeScope) (*body[paas.NodeView], error) {
	view, err := a.Nodes.Node(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	return &body[paas.NodeView]{view}, nil
}

// drainNode answers 202: apps walk off the node first. GET of the node shows how far it is.
func (a *API) drainNode(ctx context.Context, in *NodeScope) (*reply[paas.NodeView], error) {
	view, err := a.Nodes.Drain(ctx, in.Node, caller(ctx))
	if err != nil {
		return nil, err
	}
	return &reply[paas.NodeView]{http.StatusAccepted, view}, nil
}

func (a *API) undoDrain(ctx context.Context, in *NodeScope) (*body[paas.NodeView], error) {
	view, err := a.Nodes.Undo(ctx, in.Node, caller(ctx))
	if err != nil {
		return nil, err
	}
	return &body[paas.NodeView]{view}, nil
}
