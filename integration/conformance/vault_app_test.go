package conformance_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/identity"
)

// auth makes a JWT auth of the row's name that believes a key of its own, and gives what signs with it.
func (p *probe) auth() *identity.Signer {
	dir, err := os.MkdirTemp("", "crumpet-row-")
	p.check(err)
	p.later(func() { _ = os.RemoveAll(dir) })
	signer, err := identity.Open(filepath.Join(dir, "key.pem"))
	p.check(err)
	key, err := x509.MarshalPKIXPublicKey(signer.JWKS().Keys[0].Key)
	p.check(err)
	p.check(p.vault.Sys().EnableAuthWithOptionsWithContext(p.ctx, p.id, &vaultapi.EnableAuthOptions{Type: "jwt"}))
	p.later(func() { _ = p.vault.Sys().DisableAuthWithContext(p.ctx, p.id) })
	_, err = p.vault.Logical().WriteWithContext(p.ctx, "auth/"+p.id+"/config", map[string]any{
		"jwt_validation_pubkeys": []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key}))},
	})
	p.check(err)
	return signer
}

// jobRole writes a role as Crumpet's server does: for jobs of one namespace, named exactly.
func (p *probe) jobRole(name, namespace string, jobs ...string) {
	_, err := p.vault.Logical().WriteWithContext(p.ctx, "auth/"+p.id+"/role/"+name, map[string]any{
		"role_type": "jwt", "bound_audiences": []string{"vault.io"}, "user_claim": "sub", "token_type": "service", "token_period": "24h",
		"bound_claims_type": "string", "bound_claims": map[string]any{"nomad_namespace": []string{namespace}, "nomad_job_id": jobs},
		"token_policies": []string{p.id}, "token_no_default_policy": true,
	})
	p.check(err)
}

// loginAs logs in as a job.
func (p *probe) loginAs(signer *identity.Signer, role, namespace, job string) (*vaultapi.Secret, error) {
	alloc := &nomadapi.Allocation{ID: p.id, JobID: job, Namespace: namespace, TaskGroup: "web", Job: &nomadapi.Job{Region: new("global")}}
	signed, err := signer.VaultToken(alloc, &nomadapi.Task{Name: "web"}, p.id, time.Now())
	p.check(err)
	return p.vault.Logical().WriteWithContext(p.ctx, "auth/"+p.id+"/login", map[string]any{"role": role, "jwt": signed})
}

// denials is an error in the order that no column's map decides.
func denials(err error) string {
	said := refusal(err)
	for _, claim := range []string{"nomad_job_id", "nomad_namespace"} {
		if strings.Contains(said, fmt.Sprintf(`claim \"%s\" does not match any associated bound claim values`, claim)) {
			return said[:3] + " by " + claim
		}
	}
	return said
}

var vaultAppRows = []row{
	{
		name: "Vault: how many versions are kept is said before the first, and the others are gone",
		calls: []string{
			"vault PUT /v1/:mount/metadata/*path", "vault GET /v1/:mount/metadata/*path", "vault GET /v1/:mount/data/*path?version", "vault PUT /v1/:mount/destroy/*path",
		},
		want: `
			before: no versions, current 0, max 2
			new at 0: version 1
			version 1 of 3: secret not found true
			version 2: map[n:2]
			destroyed: data none true, destroyed true
			metadata: current 3, oldest 2, versions [2 3]
			max 2 still after a second word of it: 2`,
		run: func(p *probe) {
			kv := p.mount()
			keep := func() {
				_, err := p.vault.Logical().WriteWithContext(p.ctx, p.id+"/metadata/apps/a", map[string]any{"max_versions": 2})
				p.check(err)
			}
			metadata := func() *vaultapi.KVMetadata {
				m, err := kv.GetMetadata(p.ctx, "apps/a")
				p.check(err)
				return m
			}
			keep()
			if m := metadata(); len(m.Versions) == 0 {
				p.say("before: no versions, current %d, max %d", m.CurrentVersion, m.MaxVersions)
			}
			for i := range 3 {
				s, err := kv.Put(p.ctx, "apps/a", map[string]any{"n": fmt.Sprint(i + 1)}, vaultapi.WithCheckAndSet(i))
				p.check(err)
				if i == 0 {
					p.say("new at 0: version %d", s.VersionMetadata.Version)
				}
			}
			_, err := kv.GetVersion(p.ctx, "apps/a", 1)
			p.say("version 1 of 3: secret not found %t", errors.Is(err, vaultapi.ErrSecretNotFound))
			s, err := kv.GetVersion(p.ctx, "apps/a", 2)
			p.check(err)
			p.say("version 2: %v", s.Data)
			p.check(kv.Destroy(p.ctx, "apps/a", []int{2}))
			s, err = kv.GetVersion(p.ctx, "apps/a", 2)
			p.check(err)
			p.say("destroyed: data none %t, destroyed %t", s.Data == nil, s.VersionMetadata.Destroyed)
			m := metadata()
			var numbers []string
			for n := range m.Versions {
				numbers = append(numbers, n)
			}
			slices.Sort(numbers)
			p.say("metadata: current %d, oldest %d, versions %v", m.CurrentVersion, m.OldestVersion, numbers)
			keep()
			p.say("max 2 still after a second word of it: %d", metadata().MaxVersions)
		},
	},
	{
		name: "Vault: a role lets in exactly the jobs that it names, of its namespace",
		calls: []string{
			"vault POST /v1/sys/auth/:mount", "vault PUT /v1/auth/:mount/config", "vault PUT /v1/auth/:mount/role/:name", "vault PUT /v1/auth/:mount/login",
			"vault DELETE /v1/auth/:mount/role/:name", "vault DELETE /v1/sys/auth/:mount",
		},
		want: `
			shop.blue of alpha: policies [ID], period 86400, renewable true, orphan true
			shop.green of alpha: true
			its token again: the same entity true
			shop.blue of beta: 400 by nomad_namespace
			shop.run.x of alpha: 400 by nomad_job_id
			shop.blue2 of alpha: 400 by nomad_job_id
			the same job of beta by its own role: another entity true
			with one job less: 400 by nomad_job_id
			without the role: 400, refused true
			deleted twice: <nil>`,
		run: func(p *probe) {
			signer := p.auth()
			p.jobRole("crumpet-alpha--shop", "alpha", "shop.blue", "shop.green")
			p.jobRole("crumpet-beta--shop", "beta", "shop.blue")
			first, err := p.loginAs(signer, "crumpet-alpha--shop", "alpha", "shop.blue")
			p.check(err)
			p.say("shop.blue of alpha: policies %v, period %d, renewable %t, orphan %t", first.Auth.TokenPolicies, first.Auth.LeaseDuration, first.Auth.Renewable, first.Auth.Orphan)
			_, err = p.loginAs(signer, "crumpet-alpha--shop", "alpha", "shop.green")
			p.say("shop.green of alpha: %t", err == nil)
			again, err := p.loginAs(signer, "crumpet-alpha--shop", "alpha", "shop.blue")
			p.check(err)
			p.say("its token again: the same entity %t", again.Auth.EntityID != "" && again.Auth.EntityID == first.Auth.EntityID)
			for _, stranger := range [][2]string{{"beta", "shop.blue"}, {"alpha", "shop.run.x"}, {"alpha", "shop.blue2"}} {
				_, err = p.loginAs(signer, "crumpet-alpha--shop", stranger[0], stranger[1])
				p.say("%s of %s: %s", stranger[1], stranger[0], denials(err))
			}
			other, err := p.loginAs(signer, "crumpet-beta--shop", "beta", "shop.blue")
			p.check(err)
			p.say("the same job of beta by its own role: another entity %t", other.Auth.EntityID != first.Auth.EntityID)
			p.jobRole("crumpet-alpha--shop", "alpha", "shop.blue")
			_, err = p.loginAs(signer, "crumpet-alpha--shop", "alpha", "shop.green")
			p.say("with one job less: %s", denials(err))
			for range 2 {
				_, err = p.vault.Logical().DeleteWithContext(p.ctx, "auth/"+p.id+"/role/crumpet-alpha--shop")
				p.check(err)
			}
			_, err2 := p.loginAs(signer, "crumpet-alpha--shop", "alpha", "shop.blue")
			said := refusal(err2)
			p.say("without the role: %s, refused %t", said[:3], strings.Contains(said, "could not be found"))
			p.say("deleted twice: %v", err)
		},
	},
	{
		name:  "Vault: a policy that is deleted takes all rights from tokens that live on",
		calls: []string{"vault PUT /v1/sys/policies/acl/:name", "vault DELETE /v1/sys/policies/acl/:name", "vault GET /v1/auth/token/lookup-self"},
		want: `
			with it: map[a:b]
			changed: 403 ["1 error occurred: * permission denied"]
			changed back: map[a:b]
			without it: 403 ["1 error occurred: * permission denied"]
			its own token: 403 ["1 error occurred: * permission denied"]
			deleted again: <nil>`,
		run: func(p *probe) {
			kv := p.mount()
			policy := func(path string) {
				p.check(p.vault.Sys().PutPolicyWithContext(p.ctx, p.id, fmt.Sprintf("path %q { capabilities = [\"read\"] }", p.id+"/data/"+path)))
			}
			policy("first")
			made, err := p.vault.Auth().Token().CreateWithContext(p.ctx, &vaultapi.TokenCreateRequest{Policies: []string{p.id}, NoDefaultPolicy: true, TTL: "5m"})
			p.check(err)
			p.later(func() { p.vault.SetToken(p.vaultToken) })
			as := func(token string, do func()) {
				p.vault.SetToken(token)
				do()
				p.vault.SetToken(p.vaultToken)
			}
			read := func(when string) {
				as(made.Auth.ClientToken, func() {
					s, err := kv.Get(p.ctx, "first")
					if err != nil {
						p.say("%s: %s", when, refusal(err))
						return
					}
					p.say("%s: %v", when, s.Data)
				})
			}
			read("with it")
			policy("second")
			read("changed")
			policy("first")
			read("changed back")
			p.check(p.vault.Sys().DeletePolicyWithContext(p.ctx, p.id))
			read("without it")
			as(made.Auth.ClientToken, func() {
				_, err := p.vault.Auth().Token().LookupSelfWithContext(p.ctx)
				p.say("its own token: %s", refusal(err))
			})
			p.say("deleted again: %v", p.vault.Sys().DeletePolicyWithContext(p.ctx, p.id))
		},
	},
	{
		name:  "Vault: a periodic token renews itself, and says when it ends",
		calls: []string{"vault POST /v1/auth/token/create-orphan", "vault PUT /v1/auth/token/renew-self", "vault GET /v1/auth/token/lookup-self"},
		want: `
			periodic: period 3600, renewable true, ends true
			renewed: 3600 true
			not renewable: renewable false, life 300
			renewed: 400, not renewable true
			root: ends false`,
		run: func(p *probe) {
			p.later(func() { p.vault.SetToken(p.vaultToken) })
			number := func(v any) string { n, _ := v.(json.Number); return n.String() }
			token := func(body *vaultapi.TokenCreateRequest) map[string]any {
				p.vault.SetToken(p.vaultToken)
				made, err := p.vault.Auth().Token().CreateOrphanWithContext(p.ctx, body)
				p.check(err)
				p.vault.SetToken(made.Auth.ClientToken)
				own, err := p.vault.Auth().Token().LookupSelfWithContext(p.ctx)
				p.check(err)
				return own.Data
			}
			own := token(&vaultapi.TokenCreateRequest{Policies: []string{"default"}, Period: "1h"})
			p.say("periodic: period %s, renewable %v, ends %t", number(own["period"]), own["renewable"], own["expire_time"] != nil)
			renewed, err := p.vault.Auth().Token().RenewSelfWithContext(p.ctx, 0)
			p.check(err)
			p.say("renewed: %d %t", renewed.Auth.LeaseDuration, renewed.Auth.Renewable)

			own = token(&vaultapi.TokenCreateRequest{Policies: []string{"default"}, TTL: "5m", Renewable: new(bool)})
			p.say("not renewable: renewable %v, life %s", own["renewable"], number(own["creation_ttl"]))
			_, err = p.vault.Auth().Token().RenewSelfWithContext(p.ctx, 0)
			said := refusal(err)
			p.say("renewed: %s, not renewable %t", said[:3], strings.Contains(said, "not renewable"))

			p.vault.SetToken(p.vaultToken)
			root, err := p.vault.Auth().Token().LookupSelfWithContext(p.ctx)
			p.check(err)
			p.say("root: ends %t", root.Data["expire_time"] != nil)
		},
	},
}
