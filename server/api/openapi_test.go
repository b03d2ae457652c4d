package api_test

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// document fetches the OpenAPI document and checks it.
func document(t *testing.T, url string) *openapi3.T {
	t.Helper()
	answer, text := apitest.Call(t, "GET", url+"/openapi.json", nil)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %.300s", answer.StatusCode, text)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", doc.OpenAPI)
	}
	return doc
}

func TestTableDocumentAndClientHoldTheSameOperations(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	doc := document(t, server.URL)

	var table, documented []string
	for _, r := range api.Routes() {
		table = append(table, r.Method+" "+r.Path+" "+r.Operation+" "+strconv.FormatBool(r.Public))
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			security := doc.Security
			if op.Security != nil {
				security = *op.Security
			}
			documented = append(documented, method+" "+path+" "+op.OperationID+" "+strconv.FormatBool(len(security) == 0))
		}
	}
	slices.Sort(table)
	slices.Sort(documented)
	if diff := cmp.Diff(table, documented); diff != "" {
		t.Errorf("table (-) and document (+):\n%s", diff)
	}

	methods := reflect.TypeFor[*client.Client]()
	known := map[string]bool{"Addr": true, "Team": true, "LastEvent": true, "LogParts": true} // calls of no operation, one of events, and one of logs
	for _, r := range api.Routes() {
		name := strings.ToUpper(r.Operation[:1]) + r.Operation[1:]
		if _, ok := methods.MethodByName(name); !ok && !r.Public { // of those probes, nodes and browsers make calls
			t.Errorf("the client has no method %s for %s %s", name, r.Method, r.Path)
		}
		known[name] = true
	}
	for m := range methods.Methods() {
		if !known[m.Name] {
			t.Errorf("the client's method %s is of no operation", m.Name)
		}
	}
}

// caller makes calls and holds every answer against the document.
type caller struct {
	url string
	doc *openapi3.T
}

// call makes a call to an operation whose path has its parameters filled in.
func (c caller) call(t *testing.T, method, template, path, body string, status int) []byte {
	t.Helper()
	answer, text := apitest.Call(t, method, c.url+path, strings.NewReader(body))
	if answer.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, answer.StatusCode, status, text)
	}
	item := c.doc.Paths.Value(template)
	if item == nil || item.GetOperation(method) == nil {
		t.Fatalf("%s %s is not documented", method, template)
	}
	response := item.GetOperation(method).Responses.Status(status)
	if response == nil {
		t.Fatalf("%s %s: %d is not documented", method, template, status)
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	media := response.Value.Content.Get(kind)
	if media == nil {
		t.Fatalf("%s %s: %q is not documented", method, template, kind)
	}
	if kind != "application/json" {
		return text
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	if err := c.doc.ValidateSchemaJSON(media.Schema.Value, value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s %s: %v\n%s", method, path, err, text)
	}
	return text
}

const shopSpec = `app "shop" {
  build { builder = "go" }
  process "web" {
    command = ["./shop"]
    port "http" {}
  }
  task "seed" {
    command = ["./seed"]
  }
  cron "report" {
    command  = ["./report"]
    schedule = "0 3 * * *"
  }
}`

func releaseBody(t *testing.T, spec string, more map[string]any) string {
	t.Helper()
	body := map[string]any{"spec": spec, "artifact": strings.Repeat("a", 64)}
	maps.Copy(body, more)
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	source := platform.PutBlob([]byte("[]"))
	server := apitest.Start(t, apitest.Config(t, platform))
	c := caller{server.URL, document(t, server.URL)}
	app := "/v1/apps/{app}"

	c.call(t, "GET", "/healthz", "/healthz", "", 200)
	c.call(t, "GET", "/readyz", "/readyz", "", 200)
	c.call(t, "GET", "/metrics", "/metrics", "", 200)
	c.call(t, "GET", "/v1/self", "/v1/self", "", 200)
	c.call(t, "GET", "/v1/apps", "/v1/apps", "", 200)
	c.call(t, "POST", "/v1/blobs/missing", "/v1/blobs/missing", `{"digests":["`+strings.Repeat("b", 64)+`"]}`, 200)
	c.call(t, "POST", app+"/builds", "/v1/apps/shop/builds", `{"source":"`+source+`","builder":"go"}`, 202)
	c.call(t, "GET", "/v1/builds/{id}", "/v1/builds/b1", "", 200)

	platform.SetFate(apitest.Fate{State: paas.DeploymentRunning})
	c.call(t, "POST", app+"/releases", "/v1/apps/shop/releases", releaseBody(t, shopSpec, nil), 202)
	c.call(t, "GET", app+"/status", "/v1/apps/shop/status", "", 200)
	platform.Finish(paas.AppRef{Team: "default", App: "shop"}, paas.DeploymentHealthy, "")
	platform.SetFate(apitest.Fate{})
	c.call(t, "POST", app+"/releases", "/v1/apps/shop/releases", releaseBody(t, shopSpec, nil), 200)
	c.call(t, "GET", app, "/v1/apps/shop", "", 200)
	c.call(t, "GET", "/v1/apps", "/v1/apps?team=*", "", 200)
	c.call(t, "GET", app+"/status", "/v1/apps/shop/status", "", 200)
	c.call(t, "GET", app+"/metrics", "/v1/apps/shop/metrics", "", 200)
	c.call(t, "GET", app+"/releases", "/v1/apps/shop/releases", "", 200)
	c.call(t, "GET", app+"/releases/{number}", "/v1/apps/shop/releases/1", "", 200)
	c.call(t, "GET", app+"/deployments", "/v1/apps/shop/deployments", "", 200)
	c.call(t, "GET", app+"/deployments/{id}", "/v1/apps/shop/deployments/d1", "", 200)
	c.call(t, "POST", app+"/scale", "/v1/apps/shop/scale", `{"counts":{"web":2}}`, 202)
	c.call(t, "POST", app+"/restart", "/v1/apps/shop/restart", "", 202)
	c.call(t, "POST", app+"/start", "/v1/apps/shop/start", "", 200)
	c.call(t, "POST", app+"/stop", "/v1/apps/shop/stop", "", 202)
	c.call(t, "POST", app+"/start", "/v1/apps/shop/start", "", 202)
	platform.SetFate(apitest.Fate{State: paas.DeploymentRunning})
	c.call(t, "POST", app+"/restart", "/v1/apps/shop/restart", "", 202)
	c.call(t, "POST", app+"/deployments/{id}/cancel", "/v1/apps/shop/deployments/d5/cancel", "", 202)
	c.call(t, "POST", app+"/restart", "/v1/apps/shop/restart", "", 202)
	c.call(t, "POST", app+"/deployments/{id}/promote", "/v1/apps/shop/deployments/d6/promote", "", 202)
	c.call(t, "POST", app+"/runs", "/v1/apps/shop/runs", `{"task":"seed","args":["-n","1"]}`, 202)
	c.call(t, "GET", app+"/runs", "/v1/apps/shop/runs", "", 200)
	c.call(t, "GET", app+"/runs/{id}", "/v1/apps/shop/runs/run1", "", 200)
	c.call(t, "DELETE", app+"/runs/{id}", "/v1/apps/shop/runs/run1", "", 202)
	c.call(t, "GET", app+"/crons", "/v1/apps/shop/crons", "", 200)
	c.call(t, "GET", app+"/usage", "/v1/apps/shop/usage", "", 200)
	c.call(t, "GET", app+"/releases/{number}/spec", "/v1/apps/shop/releases/1/spec", "", 200)
	c.call(t, "GET", app+"/deployments/{id}/timeline", "/v1/apps/shop/deployments/d1/timeline", "", 200)
	c.call(t, "GET", "/v1/templates", "/v1/templates", "", 200)
	c.call(t, "POST", "/v1/apps", "/v1/apps", `{"app":"hello","template":"go-web"}`, 202)
	c.call(t, "GET", app+"/launch", "/v1/apps/hello/launch", "", 200)
	c.call(t, "GET", "/v1/platform", "/v1/platform", "", 200)
	c.call(t, "GET", "/v1/platform/findings", "/v1/platform/findings", "", 200)
	c.call(t, "GET", app+"/logs", "/v1/apps/shop/logs", "", 200)
	c.call(t, "DELETE", app, "/v1/apps/shop", "", 202)
}

func TestErrorsAreAsDocumented(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	doc := document(t, server.URL)
	for _, r := range api.Routes() {
		response := doc.Paths.Value(r.Path).GetOperation(r.Method).Responses.Default()
		if response == nil || response.Value.Content.Get("application/problem+json") == nil {
			t.Errorf("%s %s documents no problem", r.Method, r.Path)
		}
	}
	_, text := apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, "app {", nil)))
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	schema := doc.Components.Schemas["Problem"].Value
	if err := doc.ValidateSchemaJSON(schema, value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}
