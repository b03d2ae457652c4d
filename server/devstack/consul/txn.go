package consul

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	consulapi "github.com/hashicorp/consul/api"
)

const maxTxnOps = 128

type txnResult struct {
	KV *entry
}

type txnAnswer struct {
	Results []txnResult
	Errors  consulapi.TxnErrors
}

// txn runs KV operations as one change, or none of them and reports all that failed.
func (s *Server) txn(w http.ResponseWriter, r *http.Request) error {
	var ops consulapi.TxnOps
	if err := decode(r, &ops); err != nil {
		return err
	}
	if len(ops) > maxTxnOps {
		return failf(http.StatusRequestEntityTooLarge, "Transaction contains too many operations (%d > %d)", len(ops), maxTxnOps)
	}
	for _, op := range ops {
		if op.KV == nil {
			return failf(http.StatusNotImplemented, "the embedded Consul serves %s for KV operations only", r.URL.Path)
		}
	}
	var ans txnAnswer
	err := s.update(func(t *tx) error {
		kv, tombstones, tables := maps.Clone(t.state.KV), maps.Clone(t.state.Tombstones), maps.Clone(t.state.Tables)
		for i, op := range ops {
			results, err := t.apply(op.KV)
			if err != nil {
				ans.Errors = append(ans.Errors, &consulapi.TxnError{OpIndex: i, What: err.Error()})
				continue
			}
			ans.Results = append(ans.Results, results...)
		}
		if len(ans.Errors) > 0 {
			t.state.KV, t.state.Tombstones, t.state.Tables = kv, tombstones, tables
			t.dirty = false
		}
		return nil
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if len(ans.Errors) > 0 {
		ans.Results = nil
		status = http.StatusConflict
	}
	return writeJSON(w, r, status, ans)
}

// apply runs one operation. Writes and checks give the key back without its value, reads with it.
func (t *tx) apply(op *consulapi.KVTxnOp) ([]txnResult, error) {
	e := entry{Key: op.Key, Flags: op.Flags, Session: op.Session}
	if len(op.Value) > 0 {
		e.Value = op.Value
	}
	old, found := t.state.KV[op.Key]
	switch op.Verb {
	case consulapi.KVSet:
		return bare(t.set(e)), nil
	case consulapi.KVCAS:
		if !t.setCAS(e, op.Index) {
			return nil, fmt.Errorf("failed to set key %q, index is stale", op.Key)
		}
		return bare(t.state.KV[op.Key]), nil
	case consulapi.KVLock:
		ok, err := t.lock(e)
		if err == nil && !ok {
			err = fmt.Errorf("failed to lock key %q, lock is already held", op.Key)
		}
		if err != nil {
			return nil, err
		}
		return bare(t.state.KV[op.Key]), nil
	case consulapi.KVUnlock:
		if !t.unlock(e) {
			return nil, fmt.Errorf("failed to unlock key %q, lock isn't held, or is held by another session", op.Key)
		}
		return bare(t.state.KV[op.Key]), nil
	case consulapi.KVDelete:
		t.delete(op.Key)
		return nil, nil
	case consulapi.KVDeleteCAS:
		if !t.deleteCAS(op.Key, op.Index) {
			return nil, fmt.Errorf("failed to delete key %q, index is stale", op.Key)
		}
		return nil, nil
	case consulapi.KVDeleteTree:
		t.deleteTree(op.Key)
		return nil, nil
	case consulapi.KVGet:
		if !found {
			return nil, fmt.Errorf("key %q doesn't exist", op.Key)
		}
		return []txnResult{{old}}, nil
	case consulapi.KVGetOrEmpty:
		if !found {
			return []txnResult{{&entry{Key: op.Key}}}, nil
		}
		return []txnResult{{old}}, nil
	case consulapi.KVGetTree:
		var results []txnResult
		_, entries := t.state.list(op.Key)
		for _, e := range entries {
			results = append(results, txnResult{e})
		}
		return results, nil
	case consulapi.KVCheckNotExists:
		if found {
			return nil, fmt.Errorf("key %q exists", op.Key)
		}
		return nil, nil
	case consulapi.KVCheckIndex, consulapi.KVCheckSession:
		return checkKey(op, old)
	}
	return nil, fmt.Errorf("unknown KV verb %q", strings.TrimSpace(string(op.Verb)))
}

// checkKey is a check of one key's index or holder; old is nil when there is no such key.
func checkKey(op *consulapi.KVTxnOp, old *entry) ([]txnResult, error) {
	byIndex := op.Verb == consulapi.KVCheckIndex
	switch {
	case old == nil && byIndex:
		return nil, fmt.Errorf("failed to check index, key %q doesn't exist", op.Key)
	case old == nil:
		return nil, fmt.Errorf("failed to check session, key %q doesn't exist", op.Key)
	case byIndex && old.ModifyIndex != op.Index:
		return nil, fmt.Errorf("failed index check for key %q, current modify index %d != %d", op.Key, old.ModifyIndex, op.Index)
	case !byIndex && old.Session != op.Session:
		return nil, fmt.Errorf("failed session check for key %q, current session %q != %q", op.Key, old.Session, op.Session)
	}
	return bare(old), nil
}

func bare(e *entry) []txnResult {
	without := *e
	without.Value = nil
	return []txnResult{{&without}}
}
