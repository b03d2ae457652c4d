package consul_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/devstack/consul"
)

func TestKeysAreStoredListedAndDeleted(t *testing.T) {
	t.Parallel()
	a := contract(t)
	kv := a.KV()
	for _, key := range []string{"store/a", "store/b/c", "store/b/d", "store/z"} {
		_, err := kv.Put(&consulapi.KVPair{Key: key, Value: []byte("v of " + key), Flags: 42}, nil)
		check(t, err)
	}
	pair, meta := must[*consulapi.KVPair](t)(kv.Get("store/a", nil))
	if string(pair.Value) != "v of store/a" || pair.Flags != 42 || pair.CreateIndex != pair.ModifyIndex || meta.LastIndex != pair.ModifyIndex || !meta.KnownLeader {
		t.Errorf("got %+v with %+v", pair, meta)
	}
	keys, _ := must[[]string](t)(kv.Keys("store/", "/", nil))
	if diff := cmp.Diff([]string{"store/a", "store/b/", "store/z"}, keys); diff != "" {
		t.Errorf("keys up to the separator (-want +got):\n%s", diff)
	}
	pairs, _ := must[consulapi.KVPairs](t)(kv.List("store/b", nil))
	if len(pairs) != 2 || pairs[0].Key != "store/b/c" || pairs[1].Key != "store/b/d" {
		t.Errorf("list is %v", pairs)
	}
	if status, body, _ := call(t, "GET", a.url+"/v1/kv/store/a?raw", ""); status != 200 || body != "v of store/a" {
		t.Errorf("raw is %d %q", status, body)
	}
	_, err := kv.DeleteTree("store/b", nil)
	check(t, err)
	_, err = kv.Delete("store/a", nil)
	check(t, err)
	keys, _ = must[[]string](t)(kv.Keys("store/", "", nil))
	if diff := cmp.Diff([]string{"store/z"}, keys); diff != "" {
		t.Errorf("keys after deletion (-want +got):\n%s", diff)
	}
}

func TestCompareAndSet(t *testing.T) {
	t.Parallel()
	kv := contract(t).KV()
	cas := func(index uint64, value string) bool {
		t.Helper()
		ok, _, err := kv.CAS(&consulapi.KVPair{Key: "cas/k", Value: []byte(value), ModifyIndex: index}, nil)
		check(t, err)
		return ok
	}
	if cas(7, "x") {
		t.Error("a key that does not exist was set with an index")
	}
	if !cas(0, "one") || cas(0, "two") {
		t.Error("index 0 must create a key, once")
	}
	one, _ := must[*consulapi.KVPair](t)(kv.Get("cas/k", nil))
	if !cas(one.ModifyIndex, "two") || cas(one.ModifyIndex, "three") {
		t.Error("an index must be good for one write")
	}
	two, _ := must[*consulapi.KVPair](t)(kv.Get("cas/k", nil))
	if string(two.Value) != "two" || two.ModifyIndex <= one.ModifyIndex || two.CreateIndex != one.CreateIndex {
		t.Errorf("got %+v after %+v", two, one)
	}
	if ok, _, err := kv.DeleteCAS(one, nil); err != nil || ok {
		t.Errorf("deleted with a stale index: %v %v", ok, err)
	}
	if ok, _, err := kv.DeleteCAS(two, nil); err != nil || !ok {
		t.Errorf("not deleted with the right index: %v %v", ok, err)
	}
}

func TestIndexesOfKeysFollowWhatWasAsked(t *testing.T) {
	t.Parallel()
	kv := contract(t).KV()
	put := func(key, value string) {
		t.Helper()
		_, err := kv.Put(&consulapi.KVPair{Key: key, Value: []byte(value)}, nil)
		check(t, err)
	}
	index := func(prefix string) uint64 {
		t.Helper()
		_, meta := must[consulapi.KVPairs](t)(kv.List(prefix, nil))
		return meta.LastIndex
	}
	put("idx/a/1", "x")
	put("idx/a/2", "x")
	put("idx/b/1", "x")
	before := index("idx/a/")
	put("idx/b/1", "y")
	if got := index("idx/a/"); got != before {
		t.Errorf("another prefix moved the index from %d to %d", before, got)
	}
	put("idx/a/1", "x")
	if got := index("idx/a/"); got != before {
		t.Errorf("an equal value moved the index from %d to %d", before, got)
	}
	_, err := kv.Delete("idx/a/1", nil)
	check(t, err)
	deleted := index("idx/a/")
	if deleted <= before {
		t.Errorf("a deletion left the index at %d", deleted)
	}
	_, err = kv.DeleteTree("idx/a/", nil)
	check(t, err)
	if got := index("idx/a/"); got <= deleted {
		t.Errorf("the index of a deleted prefix is %d after %d", got, deleted)
	}
	pair, meta := must[*consulapi.KVPair](t)(kv.Get("idx/none", nil))
	if pair != nil || meta.LastIndex == 0 {
		t.Errorf("a missing key gave %v and index %d", pair, meta.LastIndex)
	}
}

func TestBlockedReaderOfAKey(t *testing.T) {
	t.Parallel()
	kv := contract(t).KV()
	_, err := kv.Put(&consulapi.KVPair{Key: "block/a", Value: []byte("1")}, nil)
	check(t, err)
	_, meta := must[consulapi.KVPairs](t)(kv.List("block/", nil))

	t.Run("wakes with what changed", func(t *testing.T) {
		got := make(chan consulapi.KVPairs, 1)
		go func() {
			pairs, _, err := kv.List("block/", &consulapi.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Minute})
			if err != nil {
				t.Error(err)
			}
			got <- pairs
		}()
		// Neither of these is what the reader waits for; if it woke for one, the value would be wrong.
		_, err := kv.Put(&consulapi.KVPair{Key: "blocked-elsewhere", Value: []byte(time.Now().String())}, nil)
		check(t, err)
		_, err = kv.Put(&consulapi.KVPair{Key: "block/a", Value: []byte("2")}, nil)
		check(t, err)
		if pairs := <-got; len(pairs) != 1 || string(pairs[0].Value) != "2" {
			t.Errorf("woke with %v", pairs)
		}
	})
	t.Run("comes back unchanged after its wait", func(t *testing.T) {
		_, now := must[consulapi.KVPairs](t)(kv.List("block/", nil))
		_, later := must[consulapi.KVPairs](t)(kv.List("block/", &consulapi.QueryOptions{WaitIndex: now.LastIndex, WaitTime: 50 * time.Millisecond}))
		if later.LastIndex != now.LastIndex || later.RequestTime < 50*time.Millisecond {
			t.Errorf("index %d after %d, in %s", later.LastIndex, now.LastIndex, later.RequestTime)
		}
	})
}

func TestReaderOfAMissingKeySleepsThroughOtherWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := consul.Open(consul.Config{Data: t.TempDir()})
		check(t, err)
		do := func(method, path, body string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			srv.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
			return rec
		}
		do("PUT", "/v1/kv/other", "1")
		index := do("GET", "/v1/kv/absent", "").Header().Get("X-Consul-Index")
		var got *httptest.ResponseRecorder
		go func() { got = do("GET", "/v1/kv/absent?wait=1m&index="+index, "") }()
		synctest.Wait() // it blocks now
		do("PUT", "/v1/kv/other", "2")
		synctest.Wait()
		if got != nil {
			t.Fatalf("woken by another key, with %d", got.Code)
		}
		do("PUT", "/v1/kv/absent", "here")
		synctest.Wait()
		if got == nil || got.Code != http.StatusOK {
			t.Errorf("not woken by its key: %v", got)
		}
	})
}

func TestTransactionsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	kv := contract(t).KV()
	ok, resp, _, err := kv.Txn(consulapi.KVTxnOps{
		{Verb: consulapi.KVSet, Key: "txn/a", Value: []byte("1")},
		{Verb: consulapi.KVSet, Key: "txn/b", Value: []byte("2")},
		{Verb: consulapi.KVGet, Key: "txn/a"},
		{Verb: consulapi.KVGetTree, Key: "txn/"},
		{Verb: consulapi.KVCheckNotExists, Key: "txn/none"},
		{Verb: consulapi.KVDelete, Key: "txn/none"},
	}, nil)
	if err != nil || !ok || len(resp.Results) != 5 || string(resp.Results[2].Value) != "1" || resp.Results[0].Value != nil {
		t.Fatalf("got %v %+v %v", ok, resp, err)
	}
	a := resp.Results[0]
	ok, resp, _, err = kv.Txn(consulapi.KVTxnOps{
		{Verb: consulapi.KVCAS, Key: "txn/a", Value: []byte("changed"), Index: a.ModifyIndex},
		{Verb: consulapi.KVDelete, Key: "txn/b"},
		{Verb: consulapi.KVCheckIndex, Key: "txn/a", Index: 1},
		{Verb: consulapi.KVGet, Key: "txn/none"},
		{Verb: consulapi.KVDeleteCAS, Key: "txn/a", Index: 1},
	}, nil)
	if err != nil || ok || len(resp.Errors) != 3 || resp.Errors[0].OpIndex != 2 || resp.Errors[1].What != `key "txn/none" doesn't exist` {
		t.Fatalf("got %v %+v %v", ok, resp, err)
	}
	pairs, meta := must[consulapi.KVPairs](t)(kv.List("txn/", nil))
	if len(pairs) != 2 || string(pairs[0].Value) != "1" || meta.LastIndex != a.ModifyIndex {
		t.Errorf("a failed transaction left %v at %d", pairs, meta.LastIndex)
	}
}
