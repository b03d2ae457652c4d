package nomad

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// maxVariable is the size of all items of one variable.
const maxVariable = 65536

// variablePath is what a path may be: no dots among others, which templates would mistake.
var variablePath = regexp.MustCompile(`^[a-zA-Z0-9-_~/]{1,128}$`)

func (s *Server) listVariables(v *state.View, r *http.Request) (any, uint64, error) {
	out := []*nomadapi.VariableMetadata{}
	for _, one := range v.Variables(namespace(r)) {
		if strings.HasPrefix(one.Path, r.URL.Query().Get("prefix")) {
			out = append(out, one.Metadata())
		}
	}
	return out, max(1, v.Last(state.Variables)), nil
}

func (s *Server) getVariable(v *state.View, r *http.Request) (any, uint64, error) {
	one := v.Variable(namespace(r), r.PathValue("path"))
	if one == nil {
		return nil, max(1, v.Last(state.Variables)), fail(http.StatusNotFound, "variable not found")
	}
	return one, one.ModifyIndex, nil
}

// conflict is a write that asked for another index than the variable has.
type conflict struct{ stands *nomadapi.Variable }

func (c *conflict) Error() string { return "cas error" }

// putVariable and deleteVariable answer by themselves: a conflict is told with the variable that stands.
func (s *Server) putVariable(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var in nomadapi.Variable
	if err := decode(r, &in); err != nil {
		s.refuse(w, err)
		return
	}
	if len(in.Items) == 0 {
		s.refuse(w, fail(http.StatusBadRequest, "variable missing required Items object"))
		return
	}
	in.Path = r.PathValue("path")
	if in.Namespace == "" {
		in.Namespace = namespace(r)
	}
	cas, wanted, err := casOf(r)
	if err == nil {
		err = checkVariable(in)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	index, err := s.update("VariableUpserted", func(tx *state.Tx) error {
		now := time.Now().UnixNano()
		stands := tx.Variable(in.Namespace, in.Path)
		if cas && wanted != indexOf(stands) {
			return &conflict{orNone(stands, in.Namespace, in.Path)}
		}
		in.CreateIndex, in.CreateTime = tx.Index(), now
		in.ModifyIndex, in.ModifyTime = tx.Index(), now
		if stands != nil {
			in.CreateIndex, in.CreateTime = stands.CreateIndex, stands.CreateTime
		}
		stored := in
		stored.Items = maps.Clone(in.Items)
		tx.PutVariable(&stored)
		return nil
	})
	if s.conflicted(w, err) {
		return
	}
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
	s.reply(w, in)
}

func (s *Server) deleteVariable(w http.ResponseWriter, r *http.Request) {
	in, path := namespace(r), r.PathValue("path")
	cas, wanted, err := casOf(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	index, err := s.update("VariableDeleted", func(tx *state.Tx) error {
		stands := tx.Variable(in, path)
		if cas && wanted != indexOf(stands) {
			return &conflict{orNone(stands, in, path)}
		}
		tx.DeleteVariable(in, path)
		return nil
	})
	if s.conflicted(w, err) {
		return
	}
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
	w.WriteHeader(http.StatusNoContent)
}

// conflicted answers an error, if there is one.
func (s *Server) conflicted(w http.ResponseWriter, err error) bool {
	if c, ok := errors.AsType[*conflict](err); ok {
		w.Header().Set("X-Nomad-Index", strconv.FormatUint(c.stands.ModifyIndex, 10))
		w.WriteHeader(http.StatusConflict)
		if err := json.NewEncoder(w).Encode(c.stands); err != nil {
			s.log.Debug("answer not sent", "err", err)
		}
		return true
	}
	if err != nil {
		s.refuse(w, err)
	}
	return err != nil
}

// casOf is the index that a write asks for, if it does.
func casOf(r *http.Request) (asked bool, index uint64, err error) {
	text := r.URL.Query().Get("cas")
	if text == "" {
		return false, 0, nil
	}
	index, err = strconv.ParseUint(text, 10, 64)
	if err != nil {
		return true, 0, fail(http.StatusBadRequest, "can not parse cas: %v", err)
	}
	return true, index, nil
}

// checkVariable refuses what Nomad does, in the words of its servers.
func checkVariable(v nomadapi.Variable) error {
	refuse := func(text string) error { return fail(http.StatusBadRequest, "RPC Error:: 400,%s", text) }
	size := 0
	for name, value := range v.Items {
		size += len(name) + len(value)
	}
	parts := strings.Split(v.Path, "/")
	switch {
	case v.Namespace == "*":
		return refuse(`can not target wildcard ("*")namespace`)
	case size > maxVariable:
		return refuse("variables are limited to 64KiB in total size")
	case !variablePath.MatchString(v.Path):
		return refuse(`invalid path ` + strconv.Quote(v.Path))
	case parts[0] != "nomad":
		return nil
	case len(parts) == 1:
		return refuse(`"nomad" is a reserved top-level directory path, but you may write variables to "nomad/jobs", "nomad/job-templates", "nomad/sentinel", or below`)
	case parts[1] == "jobs", parts[1] == "sentinel", parts[1] == "job-templates" && len(parts) == 3:
		return nil
	case parts[1] == "job-templates":
		return refuse(`"nomad/job-templates" is a reserved directory path, but you may write variables at the level below it, for example, "nomad/job-templates/template-name"`)
	}
	return refuse(`only paths at "nomad/jobs" or "nomad/job-templates" and below are valid paths under the top-level "nomad" directory`)
}

func indexOf(v *nomadapi.Variable) uint64 {
	if v == nil {
		return 0
	}
	return v.ModifyIndex
}

func orNone(v *nomadapi.Variable, namespace, path string) *nomadapi.Variable {
	if v == nil {
		return &nomadapi.Variable{Namespace: namespace, Path: path}
	}
	return v
}
