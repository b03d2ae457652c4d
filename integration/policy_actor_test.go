package integration_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// actor is whoever asks a program: "server@consul".
type actor string

func of(name, program string) actor { return actor(name + "@" + program) }

func (a actor) split() (name, program string) {
	name, program, _ = strings.Cut(string(a), "@")
	return name, program
}

// policyOf reads a policy as an operator loads it.
func policyOf(t testing.TB, a actor) string {
	t.Helper()
	name, program := a.split()
	text, err := os.ReadFile(filepath.Join("..", "policies", program, name+".hcl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`"NODE"`, `"one"`, "MOUNT/", "crumpet/", "DATABASE/", "database/", "TEAM", "default", "/APP/", "/book/", "--APP--", "--book--").Replace(string(text))
}

// proxy is where an actor reaches a program.
func (g *guarded) proxy(a actor, part string) string {
	g.t.Helper()
	return g.record.proxy(g.t, "http://"+g.at[part], func(*http.Request) actor { return a })
}

// byToken is where everybody reaches a program, each known by the token of theirs.
func (g *guarded) byToken(program, part string) string {
	g.t.Helper()
	return g.record.proxy(g.t, "http://"+g.at[part], func(req *http.Request) actor {
		g.mu.Lock()
		defer g.mu.Unlock()
		for a, token := range g.tokens {
			if _, of := a.split(); of == program && token == req.Header.Get(headerOf[program]) {
				return a
			}
		}
		return ""
	})
}

// forStories is where stories reach a program: what they ask without a token is asked with the management token.
func (g *guarded) forStories(program string) string {
	g.t.Helper()
	header := headerOf[program]
	return g.record.proxy(g.t, "http://"+g.at[program], func(req *http.Request) actor {
		if req.Header.Get(header) == "" && req.Header.Get("Authorization") == "" {
			req.Header.Set(header, g.admin[program])
		}
		return ""
	})
}

// token makes a token of policies' texts in a program.
func (g *guarded) token(program, name string, texts ...string) string {
	g.t.Helper()
	var names []string
	for i, text := range texts {
		policy := fmt.Sprintf("%s-%d", name, i)
		names = append(names, policy)
		g.policy(program, policy, text)
	}
	switch program {
	case "consul":
		var links []map[string]string
		for _, one := range names {
			links = append(links, map[string]string{"Name": one})
		}
		var made struct{ SecretID string }
		g.manage(program, http.MethodPut, "/v1/acl/token", map[string]any{"Policies": links}, &made)
		return made.SecretID
	case "nomad":
		var made struct{ SecretID string }
		g.manage(program, http.MethodPut, "/v1/acl/token", map[string]any{"Name": name, "Type": "client", "Policies": names}, &made)
		return made.SecretID
	}
	var made struct {
		Auth struct {
			Token string `json:"client_token"`
		}
	}
	period := "72h"
	if name == "proof-server" {
		period = "4m" // so that its renewal is seen, and a story may seal Vault for a while
	}
	g.manage(program, http.MethodPost, "/v1/auth/token/create-orphan", map[string]any{"policies": names, "no_default_policy": true, "period": period}, &made)
	return made.Auth.Token
}

func (g *guarded) policy(program, name, text string) {
	g.t.Helper()
	switch program {
	case "consul":
		var there struct{ ID string }
		body := map[string]any{"Name": name, "Rules": text}
		if code, _ := g.call(program, g.admin[program], http.MethodGet, "/v1/acl/policy/name/"+name, nil, &there); code == http.StatusOK && there.ID != "" {
			g.manage(program, http.MethodPut, "/v1/acl/policy/"+there.ID, body, nil)
			return
		}
		g.manage(program, http.MethodPut, "/v1/acl/policy", body, nil)
	case "nomad":
		g.manage(program, http.MethodPut, "/v1/acl/policy/"+name, map[string]any{"Name": name, "Rules": text}, nil)
	default:
		g.manage(program, http.MethodPut, "/v1/sys/policies/acl/"+name, map[string]any{"policy": text}, nil)
	}
}

// give makes the token of an actor: of its policy, and of those it has besides.
func (g *guarded) give(a actor, besides ...string) string {
	g.t.Helper()
	name, program := a.split()
	var texts []string
	for _, other := range besides {
		texts = append(texts, policyOf(g.t, of(other, program)))
	}
	token := g.token(program, "proof-"+name, append(texts, policyOf(g.t, a))...)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[a] = token
	return token
}
