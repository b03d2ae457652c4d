package conformance_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	vaultapi "github.com/hashicorp/vault/api"
)

// refusal is the status of an error and what Vault says, with each line trimmed.
func refusal(err error) string {
	var answer *vaultapi.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Sprint(err)
	}
	var said []string
	for _, e := range answer.Errors {
		said = append(said, strings.Join(strings.Fields(e), " "))
	}
	return fmt.Sprintf("%d %q", answer.StatusCode, said)
}

// mount makes a KV v2 of the row's name and waits until it takes writes: a new one refuses for a moment.
func (p *probe) mount() *vaultapi.KVv2 {
	p.check(p.vault.Sys().MountWithContext(p.ctx, p.id, &vaultapi.MountInput{
		Type: "kv", Description: "of a row", Options: map[string]string{"version": "2"},
	}))
	p.later(func() { _ = p.vault.Sys().UnmountWithContext(p.ctx, p.id) })
	kv := p.vault.KVv2(p.id)
	p.until("the mount takes writes", func() bool {
		_, err := kv.Put(p.ctx, "first", map[string]any{"a": "b"})
		return err == nil
	})
	return kv
}

const healthCall = "vault GET /v1/sys/health?drsecondarycode&haunhealthycode&performancestandbycode&removedcode&sealedcode&standbycode&uninitcode"

var vaultRows = []row{
	{
		name:  "Vault: it is initialized and unsealed",
		calls: []string{healthCall},
		want:  `initialized true, sealed false, standby false, version true`,
		run: func(p *probe) {
			h, err := p.vault.Sys().HealthWithContext(p.ctx)
			p.check(err)
			p.say("initialized %t, sealed %t, standby %t, version %t", h.Initialized, h.Sealed, h.Standby, h.Version != "")
		},
	},
	{
		name:  "Vault: a mount is made once",
		calls: []string{"vault POST /v1/sys/mounts/:mount", "vault GET /v1/sys/mounts", "vault DELETE /v1/sys/mounts/:mount"},
		want: `
			made: kv, version 2, "of a row"
			again: 400 ["path is already in use at ID/"]
			unmounted: true`,
		run: func(p *probe) {
			p.mount()
			all, err := p.vault.Sys().ListMountsWithContext(p.ctx)
			p.check(err)
			m := all[p.id+"/"]
			p.say("made: %s, version %s, %q", m.Type, m.Options["version"], m.Description)
			err = p.vault.Sys().MountWithContext(p.ctx, p.id, &vaultapi.MountInput{Type: "kv", Options: map[string]string{"version": "2"}})
			p.say("again: %s", refusal(err))
			p.check(p.vault.Sys().UnmountWithContext(p.ctx, p.id))
			all, err = p.vault.Sys().ListMountsWithContext(p.ctx)
			p.check(err)
			p.say("unmounted: %t", all[p.id+"/"] == nil)
		},
	},
	{
		name:  "Vault: a path that no mount serves is a 404",
		calls: []string{"vault GET /v1/:mount/data/*path", "vault PUT /v1/:mount/data/*path"},
		want: `
			read: secret not found true
			write: 404, no handler true`,
		run: func(p *probe) {
			kv := p.vault.KVv2(p.id)
			_, err := kv.Get(p.ctx, "a/b")
			p.say("read: secret not found %t", errors.Is(err, vaultapi.ErrSecretNotFound))
			_, err = kv.Put(p.ctx, "a/b", map[string]any{"a": "b"}, vaultapi.WithCheckAndSet(0))
			said := refusal(err)
			p.say("write: %s, no handler %t", said[:3], strings.Contains(said, "no handler for route"))
		},
	},
	{
		name:  "Vault: a secret is written by compare-and-set and keeps its versions",
		calls: []string{"vault PUT /v1/:mount/data/*path", "vault GET /v1/:mount/data/*path", "vault GET /v1/:mount/data/*path?version"},
		want: `
			absent: secret not found true
			new at 0: version 1
			again at 0: 400 ["check-and-set parameter did not match the current version"]
			at 1: version 2
			read: map[key:two] version 2
			version 1: map[key:one]
			without a condition: version 3
			nested and numbers: map[list:[1 2] number:3 text:x]`,
		run: func(p *probe) {
			kv := p.mount()
			_, err := kv.Get(p.ctx, "platform/key")
			p.say("absent: secret not found %t", errors.Is(err, vaultapi.ErrSecretNotFound))
			put := func(value string, opts ...vaultapi.KVOption) string {
				s, err := kv.Put(p.ctx, "platform/key", map[string]any{"key": value}, opts...)
				if err != nil {
					return refusal(err)
				}
				return fmt.Sprintf("version %d", s.VersionMetadata.Version)
			}
			p.say("new at 0: %s", put("one", vaultapi.WithCheckAndSet(0)))
			p.say("again at 0: %s", put("other", vaultapi.WithCheckAndSet(0)))
			p.say("at 1: %s", put("two", vaultapi.WithCheckAndSet(1)))
			s, err := kv.Get(p.ctx, "platform/key")
			p.check(err)
			p.say("read: %v version %d", s.Data, s.VersionMetadata.Version)
			s, err = kv.GetVersion(p.ctx, "platform/key", 1)
			p.check(err)
			p.say("version 1: %v", s.Data)
			p.say("without a condition: %s", put("three"))
			_, err = kv.Put(p.ctx, "nested", map[string]any{"list": []int{1, 2}, "number": 3, "text": "x"})
			p.check(err)
			s, err = kv.Get(p.ctx, "nested")
			p.check(err)
			p.say("nested and numbers: %v", s.Data)
		},
	},
	{
		name: "Vault: a deleted version is hidden, and metadata are listed and removed",
		calls: []string{
			"vault DELETE /v1/:mount/data/*path", "vault GET /v1/:mount/metadata/*path", "vault GET /v1/:mount/metadata/*path?list", "vault DELETE /v1/:mount/metadata/*path",
		},
		want: `
			deleted: data none true, deletion time true
			version 1: map[a:1]
			metadata: current 2, versions 2
			list: [deep/ first one]
			list below: [two]
			list of nothing: <nil>
			removed: secret not found true
			written anew at 0: version 1`,
		run: func(p *probe) {
			kv := p.mount()
			for i := range 2 {
				_, err := kv.Put(p.ctx, "one", map[string]any{"a": fmt.Sprint(i + 1)})
				p.check(err)
			}
			_, err := kv.Put(p.ctx, "deep/two", map[string]any{"a": "b"})
			p.check(err)
			p.check(kv.Delete(p.ctx, "one"))
			s, err := kv.Get(p.ctx, "one")
			p.check(err)
			p.say("deleted: data none %t, deletion time %t", s.Data == nil, !s.VersionMetadata.DeletionTime.IsZero())
			s, err = kv.GetVersion(p.ctx, "one", 1)
			p.check(err)
			p.say("version 1: %v", s.Data)
			m, err := kv.GetMetadata(p.ctx, "one")
			p.check(err)
			p.say("metadata: current %d, versions %d", m.CurrentVersion, len(m.Versions))
			list := func(path string) any {
				s, err := p.vault.Logical().ListWithContext(p.ctx, p.id+"/metadata/"+path)
				p.check(err)
				if s == nil {
					return nil
				}
				keys, _ := s.Data["keys"].([]any)
				slices.SortFunc(keys, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				return keys
			}
			p.say("list: %v", list(""))
			p.say("list below: %v", list("deep/"))
			p.say("list of nothing: %v", list("nope/"))
			p.check(kv.DeleteMetadata(p.ctx, "one"))
			_, err = kv.Get(p.ctx, "one")
			p.say("removed: secret not found %t", errors.Is(err, vaultapi.ErrSecretNotFound))
			s, err = kv.Put(p.ctx, "one", map[string]any{"a": "b"}, vaultapi.WithCheckAndSet(0))
			p.check(err)
			p.say("written anew at 0: version %d", s.VersionMetadata.Version)
		},
	},
	{
		name:  "Vault: a token may do what its policies allow, and a wrong one nothing",
		calls: []string{"vault PUT /v1/sys/policies/acl/:name", "vault POST /v1/auth/token/create", "vault GET /v1/:mount/data/*path", "vault PUT /v1/:mount/data/*path"},
		want: `
			its own path: map[a:b]
			written there: 403 ["1 error occurred: * permission denied"]
			another path: 403 ["1 error occurred: * permission denied"]
			a mount: 403 ["1 error occurred: * permission denied"]
			a wrong token: 403, permission denied true
			no token: 403, denied or missing true`,
		run: func(p *probe) {
			kv := p.mount()
			for _, path := range []string{"mine/a", "other/a"} {
				_, err := kv.Put(p.ctx, path, map[string]any{"a": "b"})
				p.check(err)
			}
			p.check(p.vault.Sys().PutPolicyWithContext(p.ctx, p.id, `path "`+p.id+`/data/mine/*" { capabilities = ["read"] }`))
			p.later(func() { _ = p.vault.Sys().DeletePolicyWithContext(p.ctx, p.id) })
			made, err := p.vault.Auth().Token().CreateWithContext(p.ctx, &vaultapi.TokenCreateRequest{Policies: []string{p.id}, NoDefaultPolicy: true, TTL: "5m"})
			p.check(err)
			p.later(func() { p.vault.SetToken(p.vaultToken) })
			p.vault.SetToken(made.Auth.ClientToken)
			s, err := kv.Get(p.ctx, "mine/a")
			p.check(err)
			p.say("its own path: %v", s.Data)
			_, err = kv.Put(p.ctx, "mine/a", map[string]any{"a": "c"})
			p.say("written there: %s", refusal(err))
			_, err = kv.Get(p.ctx, "other/a")
			p.say("another path: %s", refusal(err))
			err = p.vault.Sys().MountWithContext(p.ctx, p.id+"x", &vaultapi.MountInput{Type: "kv"})
			p.say("a mount: %s", refusal(err))
			p.vault.SetToken("s.nonsense")
			_, err = kv.Get(p.ctx, "mine/a")
			said := refusal(err)
			p.say("a wrong token: %s, permission denied %t", said[:3], strings.Contains(said, "permission denied"))
			p.vault.ClearToken()
			_, err = kv.Get(p.ctx, "mine/a")
			said = refusal(err)
			p.say("no token: %s, denied or missing %t", said[:3], strings.Contains(said, "permission denied") || strings.Contains(said, "missing client token"))
		},
	},
}
