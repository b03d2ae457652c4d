package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// site is an app of one folder, with as many instances, as much memory and those lines in its process.
func site(t *testing.T, dir, app string, instances, memory int, more ...string) {
	t.Helper()
	write(t, filepath.Join(dir, "index.html"), "hello from "+app+"\n")
	write(t, filepath.Join(dir, "crumpet.hcl"), fmt.Sprintf(`app %q {
  build {
    builder = "static"
  }
  process "web" {
    instances = %d
    memory    = "%dMiB"
    port "http" {}
    %s
  }
}
`, app, instances, memory, strings.Join(more, "\n    ")))
}

// refused is a run of the CLI that must fail, and say each of some words.
func (d *dev) refused(dir string, args, words []string) {
	d.t.Helper()
	r := d.cli(dir, args...)
	if r.code == 0 {
		d.t.Fatalf("crumpet %s went through: %s", strings.Join(args, " "), r)
	}
	for _, word := range words {
		if !strings.Contains(r.errOut, word) {
			d.t.Errorf("crumpet %s does not say %q: %s", strings.Join(args, " "), word, r)
		}
	}
}

// TestTeams: two teams on one cluster. Neither wants more than it may, whoever asks first; what one has as its
// host the other gets by leave only; and a team goes when it owns nothing.
func TestTeams(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	shop, mail := t.TempDir(), t.TempDir()
	site(t, shop, "shop", 2, 100)
	d.refused(shop, []string{"push", "--team", "red"}, []string{`There is no team "red"`, "crumpet teams create red"})
	d.ok(shop, "teams", "create", "red", "--description", "The shop", "--memory", "250", "--instances", "10")
	d.ok(shop, "teams", "create", "blue")
	red := func(args ...string) []string { return append(args, "--team", "red") }
	blue := func(args ...string) []string { return append(args, "--team", "blue") }

	t.Log("a quota is shown in the plan, and holds")
	plan := d.cli(shop, red("plan")...)
	if plan.code != 1 || !strings.Contains(plan.out, "after this: memory 200 of 250 MB, instances 2 of 10") {
		t.Fatalf("the plan does not tell of the quota: %s", plan)
	}
	d.ok(shop, red("push")...)
	over := []string{`Team "red" may want 250 MB of memory: it wants 200 now, and would want 300 with this process.web.instances`, "crumpet quota set red --memory 300"}
	d.refused(shop, red("scale", "web=3"), over)
	site(t, shop, "shop", 3, 100)
	d.refused(shop, red("push"), over)
	d.refused(shop, red("plan"), over)
	site(t, shop, "shop", 2, 100)

	t.Log("of two pushes at once, the quota has room for one")
	apps := []string{"left", "right"}
	d.ok(shop, "quota", "set", "red", "--memory", "300")
	results := make([]result, len(apps))
	var both sync.WaitGroup
	for i, app := range apps {
		dir := t.TempDir()
		site(t, dir, app, 1, 100)
		both.Go(func() { results[i] = d.cli(dir, red("push")...) })
	}
	both.Wait()
	won := slices.IndexFunc(results, func(r result) bool { return r.code == 0 })
	if won < 0 || results[1-won].code == 0 || !strings.Contains(results[1-won].errOut, `Team "red" may want 300 MB`) {
		t.Fatalf("left: %s\nright: %s", results[0], results[1])
	}
	var team struct {
		Use struct{ Memory, Instances, Apps int }
	}
	d.json(&team, shop, "teams", "show", "red")
	if team.Use.Memory != 300 || team.Use.Apps != 2 || team.Use.Instances != 3 {
		t.Errorf("the team wants %+v", team.Use)
	}

	t.Log("above a quota that was lowered a team stays, and may want less")
	d.ok(shop, "quota", "set", "red", "--memory", "50")
	d.refused(shop, red("scale", "web=3"), []string{"may want 50 MB"})
	d.ok(shop, red("scale", "web=1")...)
	if code, body := d.page("shop.localhost", "/"); code != http.StatusOK || !strings.Contains(body, "hello from shop") {
		t.Errorf("the shop answers %d %s", code, body)
	}
	d.ok(shop, "quota", "set", "red", "--memory", "0")

	t.Log("the first owner of a host keeps it")
	site(t, mail, "mail", 1, 64, `route "shop.localhost/mail/" {}`)
	d.refused(mail, blue("push"), []string{`Host shop.localhost belongs to team "red"`, "crumpet hosts share shop.localhost --with TEAM"})
	d.ok(shop, red("hosts", "share", "shop.localhost", "--with", "blue")...)
	d.ok(mail, blue("push")...)
	d.refused(shop, red("hosts", "unshare", "shop.localhost", "--with", "blue"), []string{`app "mail" of team "blue"`})
	d.refused(shop, red("hosts", "release", "shop.localhost"), []string{"still has routes"})
	d.ok(mail, blue("destroy", "--yes")...)
	d.ok(shop, red("hosts", "unshare", "shop.localhost", "--with", "blue")...)
	d.refused(mail, blue("plan"), []string{`belongs to team "red"`})

	t.Log("a team goes when it owns nothing")
	d.refused(shop, []string{"teams", "delete", "red", "--confirm", "red"}, []string{`app "shop" is there`, "crumpet destroy shop --team red", `app "` + apps[won] + `" is there`})
	both.Go(func() { d.cli(shop, red("destroy", "--yes")...) })
	both.Go(func() { d.cli(shop, red("destroy", "--yes", apps[won])...) })
	both.Wait()
	d.refused(mail, blue("plan"), []string{`belongs to team "red"`}) // its app has gone, its host has not
	d.refused(shop, []string{"teams", "delete", "red", "--confirm", "red"}, []string{"host shop.localhost is kept"})
	d.ok(shop, red("hosts", "release", "shop.localhost")...)
	d.ok(shop, red("hosts", "release", apps[won]+".localhost")...)
	if plan := d.cli(mail, blue("plan")...); plan.code != 1 {
		t.Errorf("the host is not free: %s", plan)
	}
	d.ok(shop, "teams", "delete", "red", "--confirm", "red")
	d.refused(shop, red("apps"), []string{`There is no team "red"`})
}
