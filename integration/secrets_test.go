package integration_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSecrets: whatever happens to an app, no token, key or signature is shown where others read.
func TestSecrets(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	home := t.TempDir()
	said := &buffer{} // all that the CLI and the API say

	well, ill := filepath.Join(home, "well"), filepath.Join(home, "sick")
	sick(t, well, `NUMBER = "one"`, `startup = "5s"`)
	edit(t, filepath.Join(well, "crumpet.hcl"), `app "sick"`, `app "well"`)
	sick(t, ill, `MODE = "exit"`, "")
	edit(t, filepath.Join(ill, "main.go"), `"release"`, `"issue"`) // an artifact of its own
	d.tell(said, 0, well, "push", "--json")
	d.tell(said, 0, well, "restart")
	secrets := d.secrets("well.green") // where the restart led

	// One push fails because the app exits, one restart because its artifact can't be fetched.
	failing := d.command(t.Context(), ill, "push")
	failing.Stdout, failing.Stderr = said, said
	if err := failing.Start(); err != nil {
		t.Fatal(err)
	}
	d.loseArtifact("well")
	d.tell(said, 1, well, "restart")
	if err := failing.Wait(); err == nil {
		t.Errorf("an app that exits was pushed:\n%s", said)
	}
	for _, args := range [][]string{
		{"status", "well"}, {"status", "well", "--json"}, {"status", "sick", "--json"}, {"logs", "well"}, {"logs", "sick"}, {"apps", "--json"}, {"version"},
	} {
		d.tell(said, 0, home, args...)
	}
	d.tell(said, 1, home, "status", "nobody")
	d.provoke(said, secrets["artifact signature"])

	d.events(said, "deployment.ended")
	for name, secret := range secrets {
		leaks(t, name, secret, "what the CLI and the API say", said.String())
		leaks(t, name, secret, "what dev says", d.out.String())
		for _, p := range d.processes() {
			leaks(t, name, secret, "the command line of "+strconv.Itoa(p.pid), strings.Join(p.args, " "))
		}
		d.searchFiles(name, secret)
	}
}

// tell runs the CLI and keeps what it says.
func (d *dev) tell(said *buffer, code int, dir string, args ...string) {
	d.t.Helper()
	r := d.cli(dir, args...)
	_, _ = said.Write([]byte(r.out + r.errOut)) // a buffer takes everything
	if r.code != code {
		d.t.Errorf("crumpet %s: want exit %d: %s", strings.Join(args, " "), code, r)
	}
}

// secrets are those of this stack, by what they are called.
func (d *dev) secrets(job string) map[string]string {
	d.t.Helper()
	found := map[string]string{"root token": d.info.Token}
	vaultToken, err := os.ReadFile(filepath.Join(d.dir, "crumpet", "vault-token"))
	if err != nil {
		d.t.Fatal(err)
	}
	found["vault token"] = strings.TrimSpace(string(vaultToken))
	files, err := filepath.Glob(filepath.Join(d.dir, "vault", "*keys.json"))
	if err != nil || len(files) != 1 {
		d.t.Fatalf("files of vault keys: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		d.t.Fatal(err)
	}
	var keys map[string]string
	if err := json.Unmarshal(text, &keys); err != nil {
		d.t.Fatal(err)
	}
	unseal, err := base64.StdEncoding.DecodeString(keys["unseal_key"])
	if err != nil {
		d.t.Fatal(err)
	}
	found["unseal key"], found["unseal key in hex"] = keys["unseal_key"], hex.EncodeToString(unseal)

	var platform struct {
		Data struct {
			Data struct{ Key string }
		}
	}
	if code, body := d.get(d.info.Vault+"/v1/crumpet/data/platform/artifacts", found["vault token"]); code != http.StatusOK {
		d.t.Fatalf("vault: %d %s", code, body)
	} else if err := json.Unmarshal([]byte(body), &platform); err != nil {
		d.t.Fatal(err)
	}
	found["platform key"] = platform.Data.Data.Key

	code, body := d.get(d.info.Nomad+"/v1/job/"+job, "")
	signature := regexp.MustCompile(`sig=([0-9a-f]{64})`).FindStringSubmatch(body)
	if signature == nil {
		d.t.Fatalf("job %s has no signed artifact: %d %s", job, code, body)
	}
	found["artifact signature"] = signature[1]
	for name, secret := range found {
		if len(secret) < 16 {
			d.t.Fatalf("%s is too short to look for: %d characters", name, len(secret))
		}
	}
	return found
}

// loseArtifact takes the artifact of an app's first release from the server.
func (d *dev) loseArtifact(app string) {
	d.t.Helper()
	digest, lost := d.artifact(app, 1), 0
	err := filepath.WalkDir(filepath.Join(d.dir, "crumpet", "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, digest[2:]) {
			lost++
			return os.Remove(path)
		}
		return err
	})
	if err != nil || lost != 1 {
		d.t.Fatalf("%d files of artifact %s, %v", lost, digest, err)
	}
}

// provoke asks the server what it refuses, and keeps the answers.
func (d *dev) provoke(said *buffer, signature string) {
	d.t.Helper()
	artifact := d.info.Addr + "/v1/artifacts/sha256/" + d.artifact("well", 1)
	wrong := strings.Repeat("0", 64)
	for _, request := range []struct {
		url, token string
		code       int
	}{
		{artifact + "?sig=" + signature, "", http.StatusNotFound}, // it was lost
		{artifact + "?sig=" + wrong, "", http.StatusUnauthorized},
		{d.info.Addr + "/v1/apps", wrong, http.StatusUnauthorized},
		{d.info.Addr + "/v1/apps/nobody", d.info.Token, http.StatusNotFound},
		{d.info.Addr + "/v1/nonsense", d.info.Token, http.StatusNotFound},
		{d.info.Addr + "/v1/apps?team=No--Team", d.info.Token, http.StatusUnprocessableEntity},
		{d.info.Addr + "/v1/apps/well/releases/1", d.info.Token, http.StatusOK},
		{d.info.Addr + "/v1/apps/well/deployments", d.info.Token, http.StatusOK},
		{d.info.Addr + "/v1/self", d.info.Token, http.StatusOK},
		{d.info.Addr + "/readyz", "", http.StatusOK},
		{d.info.Addr + "/metrics", "", http.StatusOK},
		{d.info.Addr + "/openapi.json", "", http.StatusOK},
	} {
		code, body := d.get(request.url, request.token)
		_, _ = said.Write([]byte(body)) // a buffer takes everything
		if code != request.code || (code >= 400 && !strings.Contains(body, "request_id")) {
			d.t.Errorf("%s: %d, want %d: %.500q", request.url, code, request.code, body)
		}
	}
}

// events keeps the events of all apps from the first one to the last of a kind that there is now.
func (d *dev) events(said *buffer, last string) {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), 10*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.info.Addr+"/v1/events?after=0&team=*", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.info.Token)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // a stream has no end
	text, chunk := "", make([]byte, 64<<10)
	// The push and the restart of well, its failing restart, and the failing push of sick have ended.
	for strings.Count(text, "event: "+last) < 4 {
		n, err := answer.Body.Read(chunk)
		text += string(chunk[:n])
		if err != nil {
			d.t.Fatalf("events: %v\n%s", err, text)
		}
	}
	_, _ = said.Write([]byte(text)) // a buffer takes everything
}

// searchFiles looks into every log below the data folder, those of tasks too, and into the database. An artifact's
// signature stands in the jobs that the database holds: it is part of their URL. The real Nomad names a job's URL in
// its own log when it can't fetch it; that it grants one GET of one artifact is why this is borne.
func (d *dev) searchFiles(name, secret string) {
	d.t.Helper()
	var looked []string
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // files of a running stack come and go
		}
		base := filepath.Base(path)
		database := strings.HasPrefix(base, "crumpet.db")
		log := strings.HasSuffix(base, ".log") || strings.Contains(base, ".stdout.") || strings.Contains(base, ".stderr.")
		if !log && !database {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if len(text) > 0 {
			looked = append(looked, base)
		}
		if name == "artifact signature" && (database || (base == "nomad.log" && d.info.Stack["nomad"] != "embedded")) {
			return nil
		}
		leaks(d.t, name, secret, path, string(text))
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	all := strings.Join(looked, " ")
	for _, want := range []string{"crumpet.log", "nomad.log", "consul.log", "vault.log", "router.log", "stdout", "crumpet.db"} {
		if !strings.Contains(all, want) {
			d.t.Errorf("no %s was found to look into, only %s", want, all)
		}
	}
}

// leaks says where a secret stands, without showing it.
func leaks(t testing.TB, name, secret, where, text string) {
	t.Helper()
	at := strings.Index(text, secret)
	if at < 0 {
		return
	}
	t.Errorf("the %s stands in %s:\n...%s[%s]%s...", name, where, text[max(0, at-200):at], name, text[at+len(secret):min(len(text), at+len(secret)+80)])
}
