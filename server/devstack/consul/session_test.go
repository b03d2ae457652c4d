package consul_test

import (
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

func newSession(t testing.TB, a *agent, e *consulapi.SessionEntry) string {
	t.Helper()
	id, _, err := a.Session().Create(e, nil)
	check(t, err)
	return id
}

func TestLocksAreHeldByOneSession(t *testing.T) {
	t.Parallel()
	a := contract(t)
	one := newSession(t, a, &consulapi.SessionEntry{Name: "one", LockDelay: time.Millisecond})
	two := newSession(t, a, &consulapi.SessionEntry{Name: "two", LockDelay: time.Millisecond})
	try := func(session, value string) bool {
		t.Helper()
		ok, _, err := a.KV().Acquire(&consulapi.KVPair{Key: "lock/k", Value: []byte(value), Session: session}, nil)
		check(t, err)
		return ok
	}
	held := func(session string, lockIndex uint64, value string) {
		t.Helper()
		pair, _ := must[*consulapi.KVPair](t)(a.KV().Get("lock/k", nil))
		if pair.Session != session || pair.LockIndex != lockIndex || string(pair.Value) != value {
			t.Errorf("got session %q, lock index %d, %q; want %q, %d, %q", pair.Session, pair.LockIndex, pair.Value, session, lockIndex, value)
		}
	}
	if !try(one, "a") || try(two, "b") || !try(one, "c") {
		t.Error("the first session must get the lock, keep it, and be alone with it")
	}
	held(one, 1, "c")
	if ok, _, err := a.KV().Release(&consulapi.KVPair{Key: "lock/k", Value: []byte("c"), Session: one}, nil); err != nil || !ok {
		t.Errorf("not released: %v %v", ok, err)
	}
	held("", 1, "c")
	if !try(one, "c") {
		t.Error("a released lock was not given back")
	}
	held(one, 2, "c")
	_, err := a.KV().Put(&consulapi.KVPair{Key: "lock/k", Value: []byte("plain")}, nil)
	check(t, err)
	held(one, 0, "plain") // a plain put starts the count again
	if ok, _, err := a.KV().Release(&consulapi.KVPair{Key: "lock/k", Session: two}, nil); err != nil || ok {
		t.Errorf("released by a stranger: %v %v", ok, err)
	}
	if ok, _, err := a.KV().Release(&consulapi.KVPair{Key: "lock/k", Value: []byte("free"), Session: one}, nil); err != nil || !ok {
		t.Errorf("not released by its holder: %v %v", ok, err)
	}
	held("", 0, "free")
	if !try(two, "d") {
		t.Error("a released lock was not given")
	}
	held(two, 1, "d")
	_, err = a.Session().Destroy(two, nil)
	check(t, err)
	held("", 1, "d")
	if entry, _ := must[*consulapi.SessionEntry](t)(a.Session().Info(two, nil)); entry != nil {
		t.Errorf("a destroyed session is still %+v", entry)
	}
	eventually(t, "the lock is free again after the lock delay", func() bool { return try(one, "e") })
}

func TestLockDelayKeepsASuccessorOut(t *testing.T) {
	t.Parallel()
	a := contract(t)
	one := newSession(t, a, &consulapi.SessionEntry{LockDelay: time.Minute})
	two := newSession(t, a, &consulapi.SessionEntry{})
	if ok, _, err := a.KV().Acquire(&consulapi.KVPair{Key: "delay/k", Session: one}, nil); err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, err := a.Session().Destroy(one, nil)
	check(t, err)
	if ok, _, err := a.KV().Acquire(&consulapi.KVPair{Key: "delay/k", Session: two}, nil); err != nil || ok {
		t.Errorf("acquired within the lock delay: %v %v", ok, err)
	}
}

func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	a := contract(t)
	id := newSession(t, a, &consulapi.SessionEntry{Name: "listed", TTL: "10s"})
	info, _ := must[*consulapi.SessionEntry](t)(a.Session().Info(id, nil))
	if info.Name != "listed" || info.Behavior != "release" || info.LockDelay != 15*time.Second || info.TTL != "10s" || len(info.NodeChecks) != 1 {
		t.Errorf("info is %+v", info)
	}
	renewed, _, err := a.Session().Renew(id, nil)
	if err != nil || renewed == nil || renewed.ID != id {
		t.Errorf("renewed %+v, %v", renewed, err)
	}
	onNode, _ := must[[]*consulapi.SessionEntry](t)(a.Session().Node(info.Node, nil))
	all, _ := must[[]*consulapi.SessionEntry](t)(a.Session().List(nil))
	for name, list := range map[string][]*consulapi.SessionEntry{"node": onNode, "list": all} {
		found := false
		for _, e := range list {
			found = found || e.ID == id
		}
		if !found {
			t.Errorf("%s has no session %s", name, id)
		}
	}
	_, err = a.Session().Destroy(id, nil)
	check(t, err)
	if renewed, _, err := a.Session().Renew(id, nil); err != nil || renewed != nil {
		t.Errorf("a destroyed session was renewed: %+v, %v", renewed, err)
	}
}

func TestExpiredSession(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	for behavior, gone := range map[string]bool{"release": false, "delete": true} {
		t.Run("with behavior "+behavior, func(t *testing.T) {
			t.Parallel()
			key := "expire/" + behavior
			id := newSession(t, a, &consulapi.SessionEntry{TTL: "100ms", Behavior: behavior, LockDelay: time.Millisecond})
			if ok, _, err := a.KV().Acquire(&consulapi.KVPair{Key: key, Session: id}, nil); err != nil || !ok {
				t.Fatal(ok, err)
			}
			pair, meta := must[*consulapi.KVPair](t)(a.KV().Get(key, nil))
			for pair != nil && pair.Session != "" { // a reader that waits must be woken by the expiry
				pair, meta = must[*consulapi.KVPair](t)(a.KV().Get(key, &consulapi.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: 20 * time.Second}))
			}
			if (pair == nil) != gone {
				t.Errorf("the key is %+v", pair)
			}
		})
	}
}

func TestSessionEndsWithItsCheck(t *testing.T) {
	t.Parallel()
	a := contract(t)
	check(t, a.Agent().CheckRegister(&consulapi.AgentCheckRegistration{
		ID: "alive", Name: "alive", AgentServiceCheck: consulapi.AgentServiceCheck{TTL: "1h", Status: "passing"},
	}))
	var id string
	eventually(t, "a session on the check", func() bool {
		var err error
		id, _, err = a.Session().Create(&consulapi.SessionEntry{NodeChecks: []string{"serfHealth", "alive"}}, nil)
		return err == nil
	})
	check(t, a.Agent().UpdateTTL("alive", "gone", consulapi.HealthCritical))
	eventually(t, "the session ends", func() bool {
		info, _ := must[*consulapi.SessionEntry](t)(a.Session().Info(id, nil))
		return info == nil
	})
	check(t, a.Agent().CheckDeregister("alive"))
}
