package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// route is one row of the table.
type route struct {
	op       huma.Operation
	gate     gate
	register func(a *API)
}

// typed makes a row whose input and output huma checks and documents from their types.
func typed[I, O any](method, path, id, summary string, handle func(*API, context.Context, *I) (*O, error), options ...option) route {
	op, gate := operation(method, path, id, summary, options)
	return route{op: op, gate: gate, register: func(a *API) {
		huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := handle(a, ctx, in)
			if err != nil {
				return nil, a.problemOf(ctx, err)
			}
			return out, nil
		})
	}}
}

// plain makes a row for what streams. describe writes its operation by hand.
func plain(method, path, id, summary string, handle func(*API, echo.Context) error, describe func(huma.Registry, *huma.Operation), options ...option) route {
	op, gate := operation(method, path, id, summary, options)
	gate.stream = !gate.public && safe(method)
	return route{op: op, gate: gate, register: func(a *API) {
		op := op
		op.Responses = map[string]*huma.Response{}
		describe(a.huma.OpenAPI().Components.Schemas, &op)
		a.huma.OpenAPI().AddOperation(&op)
		handler := func(c echo.Context) error { return handle(a, c) }
		a.echo.Add(method, echoPath(path), handler)
	}}
}

func echoPath(path string) string { return strings.NewReplacer("{", ":", "}", "").Replace(path) }

type option func(*huma.Operation, *gate)

// public marks a row that needs no token.
func public(op *huma.Operation, g *gate) { op.Security, g.public = []map[string][]string{}, true }

// answers sets the status of success, and names others that have the same body.
func answers(status int, others ...int) option {
	return func(op *huma.Operation, _ *gate) {
		op.DefaultStatus = status
		op.Metadata = map[string]any{alsoKey: others}
	}
}

// bodyUpTo bounds the body of a row that takes more than others.
func bodyUpTo(n int64) option {
	return func(op *huma.Operation, _ *gate) { op.MaxBodyBytes = n + 1 }
}

// alsoKey is where answers leaves the other statuses for the document.
const alsoKey = "also"

func operation(method, path, id, summary string, options []option) (huma.Operation, gate) {
	op := huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary,
		MaxBodyBytes: maxBody + 1,
		// A read deadline set for the body would still stand while the handler works, and end its
		// context (net/http reads on in the background). The server's own timeouts guard the head.
		BodyReadTimeout:              -1,
		RejectUnknownQueryParameters: strings.HasPrefix(path, "/v1/"),
		DefaultStatus:                http.StatusOK,
	}
	g := gate{id: id}
	for _, set := range options {
		set(&op, &g)
	}
	return op, g
}

// body is a reply with the row's own status; reply is one that chooses.
type body[T any] struct {
	Body T
}

type reply[T any] struct {
	Status int
	Body   T
}

// Route is a row as others may see it: for the test that compares the table with the client.
type Route struct {
	Method, Path, Operation string
	Public                  bool
	Verb                    paas.Verb // what it takes; "" where it is public
}

// Routes lists the table.
func Routes() []Route {
	var list []Route
	for _, r := range (*API)(nil).routes() {
		list = append(list, Route{r.op.Method, r.op.Path, r.op.OperationID, r.gate.public, r.gate.verb})
	}
	return list
}
