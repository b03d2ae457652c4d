package integration_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
)

// whyServices are the causes that lie in what a release waits for before its first step.
func whyServices() []whyCase {
	needs := func(offering string) whyApp {
		return whyApp{outer: []string{fmt.Sprintf("service \"jobs\" {\n offering = %q\n plan = \"small\"\n}", offering)}}
	}
	asked := func(offering string, status int, answer string) func(*whyStack, string) {
		return func(w *whyStack, app string) {
			w.broker(offering, status, answer)
			w.pushes(app)
		}
	}
	list := []whyCase{
		{
			cause: "waiting-for-service", quick: true, app: needs("slow"), arise: asked("slow", http.StatusAccepted, `{"operation":"o"}`), arisen: (*whyStack).released,
			words: []string{"service jobs"},
		},
		{
			cause: "service-failed", quick: true, app: needs("full"), arise: asked("full", http.StatusBadRequest, `{"description":"No room for another queue."}`), arisen: (*whyStack).released,
			words: []string{"jobs", "No room for another queue"},
		},
	}
	for i := range list {
		list[i].group = "apps"
	}
	return list
}

// broker registers one with a single offering, which answers every wish for an instance alike, and never ends one that
// it accepted.
func (w *whyStack) broker(offering string, status int, answer string) {
	w.d.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		say := func(status int, text string) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(text)) // whoever asked may have gone
		}
		switch {
		case r.URL.Path == "/v2/catalog":
			say(http.StatusOK, fmt.Sprintf(`{"services":[{"id":"o-%[1]s","name":%[1]q,"description":"A queue","bindable":true,"plans":[{"id":"p-%[1]s","name":"small","description":"A small one"}]}]}`, offering))
		case strings.HasSuffix(r.URL.Path, "/last_operation"):
			say(http.StatusOK, `{"state":"in progress"}`)
		case r.Method == http.MethodPut:
			say(status, answer)
		default:
			say(http.StatusOK, "{}")
		}
	}))
	w.d.t.Cleanup(server.Close)
	password := filepath.Join(w.home, offering+"-password")
	write(w.d.t, password, "not asked for")
	w.d.ok(w.home, "providers", "add", "broker", offering, "--url", server.URL, "--username", "crumpet", "--password-file", password)
}
