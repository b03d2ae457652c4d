package nomad_test

import (
	"testing"
	"time"
)

func TestARegisteredJobRuns(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	out := s.register(t, job("app.blue", 2, "echo hello; exec sleep 1000"))
	s.until(t, "evaluation completes", func() bool {
		e, _, err := s.Evaluations().Info(out.EvalID, nil)
		return err == nil && e.Status == "complete"
	})
	allocs := s.running(t, "app.blue", 2)
	if allocs["app.blue.web[0]"] == nil || allocs["app.blue.web[1]"] == nil {
		t.Errorf("got %v", allocs)
	}
	s.until(t, "healthy", func() bool {
		a := s.allocs(t, "app.blue")["app.blue.web[0]"]
		return a.DeploymentStatus != nil && *a.DeploymentStatus.Healthy
	})
	_ = time.Second
}
