package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const bearer = "bearer" // the name of the one security scheme

func documentConfig(version string) huma.Config {
	config := huma.DefaultConfig("Crumpet", version)
	// The document is served by our own route, and bodies carry no $schema links.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.OpenAPI.OpenAPI = "3.1.0"
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Info.Description = "Push source, watch it roll out, look after it."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", Description: "A token of `crumpet login`."},
	}
	config.Security = []map[string][]string{{bearer: {}}}
	return config
}

// schemaName keeps apart what has one name inside an app spec and in a status.
func schemaName(t reflect.Type, hint string) string {
	switch t {
	case reflect.TypeFor[paas.Process](), reflect.TypeFor[paas.Route](), reflect.TypeFor[paas.Cron]():
		return "Spec" + t.Name()
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// finishDocument adds what huma can't know from the types, and marshals the document.
func (a *API) finishDocument() ([]byte, error) {
	document := a.huma.OpenAPI()
	schemas := document.Components.Schemas
	fault := jsonContent(schemas, reflect.TypeFor[problem]())
	fault[wire.ProblemType] = fault[echo.MIMEApplicationJSON]
	delete(fault, echo.MIMEApplicationJSON)
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Head, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			op.Responses["default"] = &huma.Response{Description: "What went wrong", Content: fault}
			also, _ := op.Metadata[alsoKey].([]int)
			for _, status := range also {
				same := *op.Responses[strconv.Itoa(op.DefaultStatus)]
				same.Description = http.StatusText(status)
				op.Responses[strconv.Itoa(status)] = &same
			}
		}
	}
	// huma has no word for "an object or null".
	status := schemas.Map()["Status"]
	status.Properties["deployment"] = &huma.Schema{AnyOf: []*huma.Schema{
		status.Properties["deployment"], {Type: "null"},
	}}
	return json.Marshal(document)
}

// Document gives the OpenAPI document.
func (a *API) Document() ([]byte, error) { return a.document() }

func (a *API) serveDocument(c echo.Context) error {
	text, err := a.document()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, text)
}

func jsonContent(schemas huma.Registry, t reflect.Type) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{echo.MIMEApplicationJSON: {Schema: schemas.Schema(t, true, "")}}
}

// Building blocks of the operations that are written by hand.

func text(contentType string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString}}}
}

func bytesOf(contentType string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
}

func queryParam(name, kind, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: kind}}
}

func pathParam(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

var teamParam = queryParam("team", huma.TypeString, "The team; default unless said.")

func describeDocument(_ huma.Registry, op *huma.Operation) {
	op.Responses["200"] = &huma.Response{
		Description: "OpenAPI 3.1",
		Content:     map[string]*huma.MediaType{echo.MIMEApplicationJSON: {Schema: &huma.Schema{Type: huma.TypeObject}}},
	}
}

func describeMetrics(_ huma.Registry, op *huma.Operation) {
	op.Responses["200"] = &huma.Response{Description: "Prometheus text format", Content: text("text/plain")}
}
