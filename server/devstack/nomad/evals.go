package nomad

import (
	"net/http"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

func (s *Server) listEvals(v *state.View, r *http.Request) (any, uint64, error) {
	q := r.URL.Query()
	out := []*nomadapi.Evaluation{}
	for _, e := range v.Evals(namespace(r)) {
		if !strings.HasPrefix(e.ID, q.Get("prefix")) ||
			(q.Get("job") != "" && e.JobID != q.Get("job")) || (q.Get("status") != "" && e.Status != q.Get("status")) {
			continue
		}
		out = append(out, e)
	}
	if boolParam(r, "reverse") {
		slices.Reverse(out)
	}
	return out, v.Last(state.Evals), nil
}

func (s *Server) getEval(v *state.View, r *http.Request) (any, uint64, error) {
	id := r.PathValue("id")
	if !isID(id) {
		return nil, 0, fail(http.StatusInternalServerError, "eval lookup failed: index error: UUID must be 36 characters")
	}
	e := v.Eval(id)
	if e == nil {
		return nil, v.Last(state.Evals), notFound("eval")
	}
	return e, e.ModifyIndex, nil
}

func (s *Server) evalAllocs(v *state.View, r *http.Request) (any, uint64, error) {
	allocs := slices.DeleteFunc(v.Allocs("*"), func(a *state.Alloc) bool { return a.EvalID != r.PathValue("id") })
	return stubs(allocs, r), v.Last(state.Allocs), nil
}
