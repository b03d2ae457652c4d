package jobspec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/jobspec"
)

// nomadParse asks a real Nomad to parse HCL: POST /v1/jobs/parse, over one kept connection.
type nomadParse struct {
	addr   string
	client *http.Client
}

// realNomad is the agent at NOMAD_ADDR; it needs no cluster for parsing.
func realNomad(tb testing.TB) nomadParse {
	tb.Helper()
	addr := os.Getenv("NOMAD_ADDR")
	if addr == "" {
		tb.Skip("NOMAD_ADDR is not set: no real Nomad to parse HCL")
	}
	return nomadParse{addr, &http.Client{Timeout: 30 * time.Second}}
}

func (n nomadParse) parse(text []byte) (*nomadapi.Job, error) {
	answer, err := n.post(request(text))
	if err != nil {
		return nil, err
	}
	job := &nomadapi.Job{}
	return job, json.Unmarshal(answer, job)
}

// request is the body of a call.
func request(text []byte) []byte {
	body, _ := json.Marshal(nomadapi.JobsParseRequest{JobHCL: string(text)}) // text and a truth value
	return body
}

func (n nomadParse) post(body []byte) ([]byte, error) {
	var answer bytes.Buffer
	err := n.postInto(&answer, body)
	return answer.Bytes(), err
}

// postInto writes the answer to a buffer that may be used again: who measures time should not leave
// garbage of the measuring about.
func (n nomadParse) postInto(answer *bytes.Buffer, body []byte) error {
	answer.Reset()
	resp, err := n.client.Post(n.addr+"/v1/jobs/parse", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	_, err = answer.ReadFrom(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

func TestNomadReadsTheSameJob(t *testing.T) {
	t.Parallel()
	nomad := realNomad(t)
	for name, job := range goldenJobs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nomad.check(t, job)
		})
	}
}

func TestNomadReadsAnySpecsJobs(t *testing.T) {
	t.Parallel()
	nomad := realNomad(t)
	rapid.Check(t, func(t *rapid.T) {
		for _, job := range drawSpecJobs(t) {
			nomad.check(t, job)
		}
	})
}

func TestNomadReadsAnyJob(t *testing.T) {
	t.Parallel()
	nomad := realNomad(t)
	rapid.Check(t, func(t *rapid.T) { nomad.check(t, drawJob(t)) })
}

// check has Nomad parse a job's HCL, and compares.
func (n nomadParse) check(t rapid.TB, job *nomadapi.Job) {
	t.Helper()
	text := jobspec.HCL(job)
	back, err := n.parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sameJob(t, job, back, text)
}
