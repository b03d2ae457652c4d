package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// addDatabases has a provider of databases, and says where stories find it, as dev does.
func (g *guarded) addDatabases() {
	g.t.Helper()
	ctx, stop := context.WithTimeout(g.t.Context(), time.Minute)
	defer stop()
	for _, role := range []string{"granter", "postgres"} {
		pgtest.Exec(ctx, g.t, g.postgres.URL("postgres"), fmt.Sprintf("CREATE ROLE %s SUPERUSER LOGIN PASSWORD 'at-first'", role))
	}
	g.write("postgres/keys.json", `{"superuser_password": "at-first"}`)
	g.write("dev.json", fmt.Sprintf(`{"postgres": "postgres://127.0.0.1:%d/postgres"}`, g.postgres.Port))
	write(g.t, filepath.Join(g.home, "password"), "at-first")
	g.ok(g.home, "providers", "add", "postgres", "main", "--url", fmt.Sprintf("postgres://granter@127.0.0.1:%d/postgres", g.postgres.Port), "--password-file", "password")
}

// story gives the stack to a story, and takes away what it leaves: the next one finds nothing.
func (g *guarded) story(t testing.TB) *dev {
	t.Helper()
	t.Cleanup(func() { g.tidy(t) })
	return g.in(t)
}

// tidy removes apps, with their volumes, instances of services, and providers but for that of databases.
func (g *guarded) tidy(t testing.TB) {
	t.Helper()
	var left string
	if !g.eventually(2*time.Minute, func() bool { left = g.remove(); return left == "" }) {
		t.Errorf("left by the story: %s", left)
	}
}

// remove removes what it can, and says what there still was.
func (g *guarded) remove() (left string) {
	var list struct {
		Items []struct{ App, Team, Name string }
	}
	for _, kind := range [][]string{
		{"apps", "destroy", "--all-teams"}, {"services list", "services delete"}, {"providers list", "providers remove"},
	} {
		list.Items = nil
		r := g.cli(g.home, append(append(strings.Fields(kind[0]), kind[2:]...), "--json")...)
		if err := json.Unmarshal([]byte(r.out), &list); err != nil {
			return r.String()
		}
		for _, one := range list.Items {
			args := append(strings.Fields(kind[1]), one.App+one.Name)
			switch kind[0] {
			case "apps":
				args = append(args, "--team", one.Team, "--yes", "--volumes")
			case "services list":
				args = append(args, "--confirm", one.Name)
			case "providers list":
				if one.Name == "main" {
					continue
				}
			}
			left += strings.Join(args, " ") + ": " + g.cli(g.home, args...).errOut
		}
	}
	return left
}
