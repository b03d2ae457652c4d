package nomad_test

import (
	"fmt"
	"net/http"
	"os"
)

// serve is the sample task: it answers every request with its allocation.
func serve(addr string) int {
	fmt.Println("listening on", addr)
	err := http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, os.Getenv("NOMAD_ALLOC_ID")) // the client has gone
	}))
	fmt.Fprintln(os.Stderr, err)
	return 1
}
