package jobspec

import (
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
