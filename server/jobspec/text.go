package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Encode gives the canonical text of a job: JSON with sorted keys and without what is not set. Equal
// jobs give equal bytes.
func Encode(job *nomadapi.Job) []byte {
	return encode(job, "")
}

// Submission gives {"Job":{...}}, indented, as "nomad job run -json" accepts it.
func Submission(job *nomadapi.Job) []byte {
	return append(encode(map[string]any{"Job": job}, "  "), '\n')
}

func encode(v any, indent string) []byte {
	text, err := json.Marshal(v)
	if err != nil { // no field of a job that Job or Decode made can fail to marshal
		panic(fmt.Sprintf("jobspec: encode job: %v", err))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(trimmed(tree(text))); err != nil { // it has just been decoded
		panic(fmt.Sprintf("jobspec: encode tree: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// trimmed takes nulls out of a tree: a field that is not there decodes to what it was.
func trimmed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item == nil {
				delete(v, k)
			} else {
				v[k] = trimmed(item)
			}
		}
	case []any:
		for i := range v {
			v[i] = trimmed(v[i])
		}
	}
	return v
}

// Decode reads what Encode wrote.
func Decode(text []byte) (*nomadapi.Job, error) {
	var job nomadapi.Job
	if err := json.Unmarshal(text, &job); err != nil {
		return nil, fmt.Errorf("decode job: %w", err)
	}
	if job.ID == nil || job.Name == nil || job.Namespace == nil {
		return nil, fmt.Errorf("decode job: no id, name or namespace")
	}
	for _, g := range job.TaskGroups {
		if g == nil || g.Name == nil || g.Count == nil || len(g.Tasks) == 0 || slices.Contains(g.Tasks, nil) {
			return nil, fmt.Errorf("decode job %q: a group without name, count or task", *job.ID)
		}
	}
	return &job, nil
}
