package jobspec_test

import (
	"bytes"
	"encoding/json"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"
	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/jobspec"
)

// What Encode writes is what encoding/json makes of the job, by way of a tree, which sorts its keys and
// in which a null is as good as nothing.
func TestEncodeIsTheSortedJSONOfAJob(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		job := drawJob(t)
		job.Constraints = append(job.Constraints, nil)
		for _, g := range job.TaskGroups {
			g.Tasks[0].Config = map[string]any{
				"null": nil, "list": []any{nil, json.Number("1e3")}, "bytes": []byte(text().Draw(t, "bytes")), "any": drawAny(t, 3),
				"map": map[string]any{"null": nil, text().Draw(t, "key"): map[string]*int{"null": nil}},
			}
		}
		if got, want := string(jobspec.Encode(job)), byTree(t, job, ""); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		if got, want := string(jobspec.Submission(job)), byTree(t, map[string]any{"Job": job}, "  ")+"\n"; got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
	if got := string(jobspec.Encode(&nomadapi.Job{})); got != byTree(t, &nomadapi.Job{}, "") {
		t.Errorf("an empty job is %s", got)
	}
}

func byTree(t rapid.TB, v any, indent string) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(withoutNulls(tree)); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item == nil {
				delete(v, k)
			} else {
				v[k] = withoutNulls(item)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}
