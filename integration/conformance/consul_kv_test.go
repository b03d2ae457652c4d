package conformance_test

import (
	"fmt"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// key is a key of the row, taken away with it.
func (p *probe) key(name string) string { return "conformance/" + p.id + "/" + name }

// keys takes the row's keys away when it ends.
func (p *probe) keys() {
	p.later(func() { _, _ = p.consul.KV().DeleteTree(p.key(""), p.writeConsul()) }) // another row may be the last to see Consul
}

func (p *probe) readConsul() *consulapi.QueryOptions {
	return (&consulapi.QueryOptions{}).WithContext(p.ctx)
}

func (p *probe) consistent() *consulapi.QueryOptions {
	return (&consulapi.QueryOptions{RequireConsistent: true}).WithContext(p.ctx)
}

func (p *probe) waiting(index uint64, wait time.Duration) *consulapi.QueryOptions {
	return (&consulapi.QueryOptions{WaitIndex: index, WaitTime: wait}).WithContext(p.ctx)
}

func (p *probe) writeConsul() *consulapi.WriteOptions {
	return (&consulapi.WriteOptions{}).WithContext(p.ctx)
}

// value is what a key holds.
func (p *probe) value(name string) string {
	pair, _, err := p.consul.KV().Get(p.key(name), p.consistent())
	p.check(err)
	if pair == nil {
		return "nothing"
	}
	return fmt.Sprintf("%q", pair.Value)
}

// changed waits in a goroutine for an answer of a blocking query; the channel gives its index and time.
func changed(read func() (uint64, error)) <-chan waited {
	out := make(chan waited, 1)
	began := time.Now()
	go func() {
		index, err := read()
		out <- waited{index, time.Since(began), err}
	}()
	return out
}

type waited struct {
	index uint64
	took  time.Duration
	err   error
}

var consulKVRows = []row{
	{
		name:  "Consul: there is a leader",
		calls: []string{"consul GET /v1/status/leader"},
		want:  `leader: true`,
		run: func(p *probe) {
			leader, err := p.consul.Status().LeaderWithQueryOptions(p.readConsul())
			p.check(err)
			p.say("leader: %t", strings.Contains(leader, ":"))
		},
	},
	{
		name:  "Consul: a key is written by compare-and-set",
		calls: []string{"consul PUT /v1/kv/*key?cas", "consul GET /v1/kv/*key?consistent", "consul DELETE /v1/kv/*key?cas"},
		want: `
			absent: nothing
			new at 0: true, again at 0: false, holds "one"
			at a stale index: false, holds "one"
			at its index: true, holds "two", created before it was modified true
			deleted at a stale index: false, holds "two"
			deleted at its index: true, holds nothing
			deleted again: true
			an empty value: "", flags 7`,
		run: func(p *probe) {
			p.keys()
			cas := func(value string, index uint64) bool {
				done, _, err := p.consul.KV().CAS(&consulapi.KVPair{Key: p.key("a"), Value: []byte(value), ModifyIndex: index}, p.writeConsul())
				p.check(err)
				return done
			}
			remove := func(index uint64) bool {
				done, _, err := p.consul.KV().DeleteCAS(&consulapi.KVPair{Key: p.key("a"), ModifyIndex: index}, p.writeConsul())
				p.check(err)
				return done
			}
			pair := func() *consulapi.KVPair {
				pair, _, err := p.consul.KV().Get(p.key("a"), p.consistent())
				p.check(err)
				return pair
			}
			p.say("absent: %s", p.value("a"))
			p.say("new at 0: %t, again at 0: %t, holds %s", cas("one", 0), cas("other", 0), p.value("a"))
			first := pair().ModifyIndex
			p.say("at a stale index: %t, holds %s", cas("other", first-1), p.value("a"))
			done := cas("two", first)
			now := pair()
			p.say("at its index: %t, holds %s, created before it was modified %t", done, p.value("a"), now.CreateIndex == first && now.ModifyIndex > first)
			p.say("deleted at a stale index: %t, holds %s", remove(first), p.value("a"))
			p.say("deleted at its index: %t, holds %s", remove(now.ModifyIndex), p.value("a"))
			p.say("deleted again: %t", remove(now.ModifyIndex))
			_, err := p.consul.KV().Put(&consulapi.KVPair{Key: p.key("a"), Flags: 7}, p.writeConsul())
			p.check(err)
			p.say("an empty value: %s, flags %d", p.value("a"), pair().Flags)
		},
	},
	{
		name: "Consul: keys are listed by prefix, in order, and deleted by it",
		calls: []string{
			"consul GET /v1/kv/*key?consistent&recurse", "consul GET /v1/kv/*key?keys&separator", "consul DELETE /v1/kv/*key?recurse", "consul DELETE /v1/kv/*key",
		},
		want: `
			list: a=1 a/b=2 ab=3 z=4
			below a/: a/b=2
			folders: a a/ ab z
			nothing there: 0, <nil>
			without a: a/b=2 ab=3 z=4
			without a/: ab=3 z=4`,
		run: func(p *probe) {
			p.keys()
			for i, name := range []string{"a", "a/b", "ab", "z"} {
				_, err := p.consul.KV().Put(&consulapi.KVPair{Key: p.key(name), Value: fmt.Append(nil, i+1)}, p.writeConsul())
				p.check(err)
			}
			list := func(prefix string) string {
				pairs, _, err := p.consul.KV().List(p.key(prefix), p.consistent())
				p.check(err)
				var out []string
				for _, pair := range pairs {
					out = append(out, strings.TrimPrefix(pair.Key, p.key(""))+"="+string(pair.Value))
				}
				return strings.Join(out, " ")
			}
			p.say("list: %s", list(""))
			p.say("below a/: %s", list("a/"))
			keys, _, err := p.consul.KV().Keys(p.key(""), "/", p.readConsul())
			p.check(err)
			for i := range keys {
				keys[i] = strings.TrimPrefix(keys[i], p.key(""))
			}
			p.say("folders: %s", strings.Join(keys, " "))
			none, _, err := p.consul.KV().List(p.key("nope"), p.consistent())
			p.say("nothing there: %d, %v", len(none), err)
			_, err = p.consul.KV().Delete(p.key("a"), p.writeConsul())
			p.check(err)
			p.say("without a: %s", list(""))
			_, err = p.consul.KV().DeleteTree(p.key("a/"), p.writeConsul())
			p.check(err)
			p.say("without a/: %s", list(""))
		},
	},
	{
		name:  "Consul: a reader of a key waits for its change or the end of its time",
		calls: []string{"consul GET /v1/kv/*key?index&wait", "consul GET /v1/kv/*key?index&recurse&wait"},
		want: `
			another key changes: waits to the end true, the same index true
			the key changes: woken true, a later index true
			the key is deleted: woken true, a later index true
			a key below a prefix is deleted: woken true, a later index true`,
		run: func(p *probe) {
			p.keys()
			put := func(name, value string) {
				_, err := p.consul.KV().Put(&consulapi.KVPair{Key: p.key(name), Value: []byte(value)}, p.writeConsul())
				p.check(err)
			}
			get := func(index uint64, wait time.Duration) func() (uint64, error) {
				return func() (uint64, error) {
					_, meta, err := p.consul.KV().Get(p.key("a"), p.waiting(index, wait))
					if err != nil {
						return 0, err
					}
					return meta.LastIndex, nil
				}
			}
			put("a", "one")
			index, err := get(0, 0)()
			p.check(err)
			answer := changed(get(index, 700*time.Millisecond))
			put("b", "other")
			got := <-answer
			p.check(got.err)
			p.say("another key changes: waits to the end %t, the same index %t", got.took >= 700*time.Millisecond, got.index == index)
			woken := func(what string, read func() (uint64, error), change func()) {
				answer := changed(read)
				change()
				got := <-answer
				p.check(got.err)
				p.say("%s: woken %t, a later index %t", what, got.took < 20*time.Second, got.index > index)
				index = got.index
			}
			woken("the key changes", get(index, 20*time.Second), func() { put("a", "two") })
			woken("the key is deleted", get(index, 20*time.Second), func() {
				_, err := p.consul.KV().Delete(p.key("a"), p.writeConsul())
				p.check(err)
			})
			tree := func(index uint64) func() (uint64, error) {
				return func() (uint64, error) {
					_, meta, err := p.consul.KV().List(p.key(""), p.waiting(index, 20*time.Second))
					if err != nil {
						return 0, err
					}
					return meta.LastIndex, nil
				}
			}
			_, meta, err := p.consul.KV().List(p.key(""), p.readConsul())
			p.check(err)
			index = meta.LastIndex
			woken("a key below a prefix is deleted", tree(index), func() {
				_, err := p.consul.KV().Delete(p.key("b"), p.writeConsul())
				p.check(err)
			})
		},
	},
	{
		name: "Consul: a lock has one holder, until its session ends",
		calls: []string{
			"consul PUT /v1/session/create", "consul PUT /v1/kv/*key?acquire", "consul PUT /v1/kv/*key?flags&release",
			"consul PUT /v1/session/destroy/:id", "consul GET /v1/session/info/:id",
		},
		want: `
			the first takes it true, the second false, held by the first true
			the first again true
			released by the second false, by the first true
			now the second takes it true
			its session is destroyed: held by nobody true, the value stays "second", the session is gone true
			a session that is not there: Unexpected response code: 500 (invalid session "UUID")`,
		run: func(p *probe) {
			p.keys()
			session := func() string {
				id, _, err := p.consul.Session().Create(&consulapi.SessionEntry{TTL: "60s", Behavior: "release", LockDelay: time.Millisecond}, p.writeConsul())
				p.check(err)
				p.later(func() { _, _ = p.consul.Session().Destroy(id, p.writeConsul()) }) // it may be gone
				return id
			}
			pair := func(session, value string) *consulapi.KVPair {
				return &consulapi.KVPair{Key: p.key("lock"), Value: []byte(value), Session: session}
			}
			take := func(session, value string) bool {
				done, _, err := p.consul.KV().Acquire(pair(session, value), p.writeConsul())
				p.check(err)
				return done
			}
			release := func(session string) bool {
				one := pair(session, "released")
				one.Flags = 1
				done, _, err := p.consul.KV().Release(one, p.writeConsul())
				p.check(err)
				return done
			}
			held := func() string {
				pair, _, err := p.consul.KV().Get(p.key("lock"), p.readConsul())
				p.check(err)
				return pair.Session
			}
			first, second := session(), session()
			p.say("the first takes it %t, the second %t, held by the first %t", take(first, "first"), take(second, "second"), held() == first)
			p.say("the first again %t", take(first, "first"))
			p.say("released by the second %t, by the first %t", release(second), release(first))
			p.until("the second takes it", func() bool { return take(second, "second") })
			p.say("now the second takes it true")
			_, err := p.consul.Session().Destroy(second, p.writeConsul())
			p.check(err)
			gone, _, err := p.consul.Session().Info(second, p.readConsul())
			p.check(err)
			p.say("its session is destroyed: held by nobody %t, the value stays %s, the session is gone %t", held() == "", p.value("lock"), gone == nil)
			_, _, err = p.consul.KV().Acquire(pair(second, "x"), p.writeConsul())
			p.say("a session that is not there: %v", err)
		},
	},
}
