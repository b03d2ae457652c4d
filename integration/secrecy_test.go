package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/devstack"
)

// summing is an app that shows the SHA-256 of each of its variables and files, and never a value.
const summing = `package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Println("ran", os.Args[1])
		return
	}
	http.HandleFunc("/sums", func(w http.ResponseWriter, r *http.Request) {
		sums := map[string]string{}
		for _, kv := range os.Environ() {
			name, value, _ := strings.Cut(kv, "=")
			sums[name] = fmt.Sprintf("%x", sha256.Sum256([]byte(value)))
			if text, err := os.ReadFile(value); err == nil && strings.HasSuffix(name, "_FILE") {
				sums["file "+strings.TrimSuffix(name, "_FILE")] = fmt.Sprintf("%x", sha256.Sum256(text))
			}
		}
		root := os.Getenv("SERVICE_BINDING_ROOT")
		filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if text, readErr := os.ReadFile(path); err == nil && readErr == nil {
				sums["binding"+strings.TrimPrefix(path, root)] = fmt.Sprintf("%x", sha256.Sum256(text))
			}
			return nil
		})
		json.NewEncoder(w).Encode(sums)
	})
	fmt.Println("the app listens")
	fmt.Println(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

const summingSpec = `app "vaulted" {
  env = { OPEN = %q }
  %s
  service "jobs" {
    offering = "queue"
    plan     = "small"
    bind {
      vcap = true
    }
  }
  process "web" {
    command        = ["./summing"]
    min_healthy    = "1s"
    shutdown_delay = "1s"
    port "http" {}
  }
  task "seed" {
    command = ["./summing", "seed"]
  }
  cron "report" {
    command  = ["./summing", "report"]
    schedule = "0 4 1 1 *"
  }
}
`

// secrecy is the story of values that only Vault and the programs of an app may have.
type secrecy struct {
	*dev
	secrets needles
	sums    map[string]string // what the app is to show, by the name it has there: of each planted value
	said    *buffer           // all that the CLI and the API said
	dir     string
	keeper  *brokertest.Keeper
	open    string   // the value that stands in the spec on purpose
	seen    *watched // command lines and environments
}

// plant makes a value that the app is to see under a name.
func (s *secrecy) plant(name string) string {
	text := s.secrets.plant(name)
	s.sums[name] = sum(text)
	return text
}

// TestSecrecy: fifty unusual values are planted, the app is seen to have each, and then all is done that a
// user can do. They stand nowhere but in Vault and with the app's programs: not in the store, not in Nomad, not
// in Consul, in no log, no event, no answer, no command line and no environment of the platform's. That the
// search finds what is there is proved by one value more, which stands in the spec on purpose.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	s := &secrecy{sums: map[string]string{}, said: &buffer{}, dir: t.TempDir()}
	s.keeper = brokertest.Keep(brokerCatalog, func(id string) string {
		values := map[string]string{}
		for _, key := range []string{"uri", "password", "token", "ca"} {
			values[key] = s.secrets.plant("broker's " + key + " of " + id)
		}
		text, err := json.Marshal(values)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	})
	web := httptest.NewServer(s.keeper)
	t.Cleanup(web.Close)
	if proving && devstack.FindPostgres().Missing == "" {
		var pg *database
		s.dev, pg = startDatabases(t)
		s.secrets.found("the superuser's password", pg.password)
	} else {
		s.dev = startDev(t)
	}
	s.seen = s.watchProcesses()
	s.prepare(web.URL)
	s.has()
	s.live()
	if n := len(s.secrets.names); n < 50 {
		t.Errorf("only %d values were planted", n)
	}
	s.seen.end()

	places := s.places()
	places["a command line or environment"] = s.seen.text()
	places["what the CLI and the API said"] = s.said.String()
	places["what dev said"] = s.out.String()
	looked, total := map[string]bool{}, 0
	open := needles{}
	open.found("OPEN", s.open)
	for where, text := range places {
		total += len(text)
		for _, name := range s.secrets.in(text) {
			t.Errorf("%s stands in %s", name, where)
		}
		if len(open.in(text)) > 0 {
			looked[strings.SplitN(where, ":", 2)[0]] = true
		}
	}
	t.Logf("%d values, each in %d forms, were searched for in %d places with %d MB; the one in the spec was found in %d", len(s.secrets.names),
		len(s.secrets.forms[s.secrets.names[0]]), len(places), total>>20, len(looked))
	for _, where := range []string{"the store's tables", "the store's file", "Nomad", "what the CLI and the API said"} {
		if !looked[where] {
			t.Errorf("the search does not find in %s what stands in the spec", where)
		}
	}
}

// prepare plants everything and pushes the app.
func (s *secrecy) prepare(brokerURL string) {
	s.t.Helper()
	s.open = token()
	var blocks strings.Builder
	for n := range 4 {
		fmt.Fprintf(&blocks, "secret \"FILE_%d\" { file = \"file-%d\" }\n  ", n, n)
	}
	write(s.t, filepath.Join(s.dir, "main.go"), summing)
	write(s.t, filepath.Join(s.dir, "go.mod"), "module summing\n\ngo 1.24\n")
	write(s.t, filepath.Join(s.dir, "crumpet.hcl"), fmt.Sprintf(summingSpec, s.open, blocks.String()))

	hidden := func(name, text string) string {
		path := filepath.Join(s.t.TempDir(), name)
		write(s.t, path, text)
		return path
	}
	s.do("providers", "add", "broker", "acme", "--url", brokerURL, "--username", "crumpet", "--password-file", hidden("password", s.secrets.plant("the broker's password")))
	args := []string{"config", "set"}
	for n := range 18 {
		name := fmt.Sprintf("PLAIN_%d", n)
		args = append(args, name+"="+s.plant(name))
	}
	s.do(args...)
	for n := range 10 {
		name := fmt.Sprintf("SECRET_%d", n)
		s.do("secret", "set", name, "--file", hidden(name, s.plant(name)), "--stage")
	}
	for n := range 4 {
		name := fmt.Sprintf("FILE_%d", n)
		text := s.secrets.plant(name)
		s.sums["file "+name] = sum(text)
		s.do("secret", "set", name, "--file", hidden(name, text), "--stage")
	}
	s.do("push")

	for _, service := range []struct{ name, as string }{{"mail", "env"}, {"certs", "files"}} {
		values := map[string]string{}
		for _, key := range []string{"uri", "username", "password", "key", "token", "note"} {
			values[key] = s.secrets.plant(service.name + "'s " + key)
			s.sums["binding/"+service.name+"/"+key] = sum(values[key])
		}
		text, err := json.Marshal(values)
		if err != nil {
			s.t.Fatal(err)
		}
		s.do("services", "create", service.name, "--credentials-file", hidden(service.name, string(text)),
			"--syslog-drain-url", "syslog://log.invalid/")
		s.do("services", "bind", service.name, "--as", service.as, "--stage")
		if service.as == "env" {
			s.sums["MAIL_URL"] = sum(values["uri"])
		}
	}
	s.do("services", "create", "extra", "--offering", "queue", "--plan", "small",
		"--parameters-file", hidden("parameters", fmt.Sprintf(`{"password": %q}`, s.secrets.bare("a service's parameter"))))
	s.do("secret", "set", "SECRET_0", "--file", hidden("again", s.plant("SECRET_0, changed"))) // walks
	s.sums["SECRET_0"] = s.sums["SECRET_0, changed"]
	delete(s.sums, "SECRET_0, changed")
}

// do runs the CLI and keeps what it says.
func (s *secrecy) do(args ...string) {
	s.t.Helper()
	s.tell(s.said, 0, s.dir, args...)
}

// has sees that the app has every value that it is to have: by its hash, which nobody else is told.
func (s *secrecy) has() {
	s.t.Helper()
	_, bindings := s.keeper.Has()
	for _, key := range []string{"uri", "password", "token", "ca"} {
		for _, id := range bindings {
			s.sums["binding/jobs/"+key] = sum(s.secrets.text("broker's " + key + " of " + id))
		}
	}
	var lacks []string
	ok := s.eventually(30*time.Second, func() bool {
		code, text := s.page("vaulted.localhost", "/sums")
		shown := map[string]string{}
		if code != http.StatusOK || json.Unmarshal([]byte(text), &shown) != nil {
			return false
		}
		lacks = nil
		for name, want := range s.sums {
			if shown[name] != want {
				lacks = append(lacks, name)
			}
		}
		return len(lacks) == 0
	})
	if !ok {
		s.t.Errorf("the app does not see %d of %d values: %v", len(lacks), len(s.sums), lacks)
	}
	if len(s.sums) < 45 {
		s.t.Errorf("the app was asked for %d values only", len(s.sums))
	}
}

// live does what a user can do. What shows values by its nature (reveal, keys, exec env) is done as well, and
// its output is not kept: the person asked for it.
func (s *secrecy) live() {
	s.t.Helper()
	for _, args := range [][]string{
		{"config", "reveal", "--json"}, {"exec", "vaulted", "--", "env"}, {"services", "keys", "create", "mail", "ann"}, {"services", "keys", "show", "mail", "ann"},
	} {
		if r := s.cli(s.dir, args...); r.code != 0 {
			s.t.Errorf("crumpet %s: exit %d: %s", strings.Join(args, " "), r.code, r.errOut)
		}
	}
	s.do("run", "seed")
	if proving {
		for _, args := range [][]string{
			{"run", "report"},
			{"run", "vaulted", "--", "./summing", "by-hand"},
			{"scale", "vaulted", "web=2"},
			{"services", "rotate", "vaulted-jobs"},
			{"restart"},
			{"config", "unset", "PLAIN_1"},
			{"rollback"},
			{"services", "unbind", "certs", "--app", "vaulted"},
		} {
			s.do(args...)
		}
	}
	for _, wrong := range [][]string{
		{"config", "set", "BAD NAME=" + s.secrets.text("PLAIN_2")},
		{"secret", "set", "KEY", s.secrets.text("PLAIN_3")},
		{"config", "set", "PORT=" + s.secrets.text("PLAIN_4")},
		{"run", "nothing"},
	} {
		r := s.cli(s.dir, wrong...)
		_, _ = s.said.Write([]byte(r.out + r.errOut)) // a buffer takes everything
		if r.code == 0 {
			s.t.Errorf("crumpet %s was taken", strings.Join(wrong[:2], " "))
		}
	}
	for _, args := range [][]string{
		{"status", "--json"},
		{"why", "--json"},
		{"logs", "-n", "1000"},
		{"logs", "--json", "-n", "1000"},
		{"events", "vaulted", "-n", "1000", "--json"},
		{"releases", "--json"},
		{"release", "1", "--json"},
		{"diff", "1", "2", "--json"},
		{"metrics", "--json"},
		{"apps", "--json"},
		{"crons", "--json"},
		{"config", "list", "--json"},
		{"config", "versions", "--json"},
		{"services", "list", "--json"},
		{"services", "show", "vaulted-jobs", "--json"},
		{"services", "show", "mail", "--json"},
		{"services", "catalog", "--json"},
		{"services", "keys", "list", "mail", "--json"},
		{"providers", "list", "--json"},
		{"run", "--list", "--json"},
		{"nodes", "--json"},
		{"servers", "--json"},
		{"render"},
	} {
		r := s.cli(s.dir, args...)
		_, _ = s.said.Write([]byte(r.out + r.errOut))
		if r.code > 1 {
			s.t.Errorf("crumpet %s: %s", strings.Join(args, " "), r)
		}
	}
	edit(s.t, filepath.Join(s.dir, "main.go"), "the app listens", "it listens")
	r := s.cli(s.dir, "plan")
	_, _ = s.said.Write([]byte(r.out + r.errOut))
	if proving {
		s.do("push", "--json")
	}
}
