package nomad

import (
	"net/http"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

func (s *Server) listNamespaces(v *state.View, r *http.Request) (any, uint64, error) {
	out := []*nomadapi.Namespace{}
	for _, n := range v.Namespaces() {
		if strings.HasPrefix(n.Name, r.URL.Query().Get("prefix")) {
			out = append(out, n)
		}
	}
	return out, v.Last(state.Namespaces), nil
}

func (s *Server) getNamespace(v *state.View, r *http.Request) (any, uint64, error) {
	n := v.Namespace(r.PathValue("name"))
	if n == nil {
		return nil, v.Last(state.Namespaces), fail(http.StatusNotFound, "Namespace not found")
	}
	return n, n.ModifyIndex, nil
}

func (s *Server) putNamespace(r *http.Request) (any, uint64, error) {
	var in nomadapi.Namespace
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	if name := r.PathValue("name"); name != "" && in.Name == "" {
		in.Name = name
	}
	if in.Name == "" || len(in.Name) > 128 || strings.Trim(in.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return nil, 0, fail(http.StatusInternalServerError, `invalid name %q. Must match regex ^[a-zA-Z0-9-]{1,128}$`, in.Name)
	}
	index, err := s.update("NamespaceUpserted", func(tx *state.Tx) error {
		in.CreateIndex, in.ModifyIndex = tx.Index(), tx.Index()
		if old := tx.Namespace(in.Name); old != nil {
			in.CreateIndex = old.CreateIndex
		}
		tx.PutNamespace(&in)
		return nil
	})
	return nil, index, err
}
