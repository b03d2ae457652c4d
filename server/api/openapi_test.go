package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/crumpet-paas/crumpet/server/api/apitest"
)

func TestDocumentIsServedToAnyone(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t, apitest.Config(t, apitest.NewPlatform()))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, text := apitest.Do(t, r)
	var document struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v: %.300s", answer.StatusCode, err, text)
	}
	if document.OpenAPI != "3.1.0" || len(document.Paths) < 15 {
		t.Errorf("OpenAPI %q with %d paths", document.OpenAPI, len(document.Paths))
	}
}
