//go:build linux

package integration_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// lost has every host lose its disk, the database all that it held, and the operator the sealed state.
func (r *restored) lost() {
	r.t.Helper()
	began := time.Now()
	for _, h := range r.lab.Hosts() {
		h.Kill()
	}
	r.emptied()
	if err := os.Remove(filepath.Join(r.dir, "lab.cluster.age")); err != nil {
		r.t.Fatal(err)
	}
	for _, h := range r.lab.Hosts() {
		h.Wipe()
		h.Boot()
	}
	r.lab.KnownHosts()
	r.t.Logf("every host was killed and wiped, and the database dropped; new ones were there after %.1f s", time.Since(began).Seconds())
}

// emptied puts an empty database in the place of Crumpet's, under its address.
func (r *restored) emptied() {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "store.url"))
	if err != nil {
		r.t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		r.t.Fatal("store.url is no URL") // the error would repeat the password
	}
	name, root := strings.TrimPrefix(u.Path, "/"), r.db.URL("postgres")
	pgtest.Exec(r.t.Context(), r.t, root, `DROP DATABASE "`+name+`" WITH (FORCE)`)
	pgtest.Exec(r.t.Context(), r.t, root, `CREATE DATABASE "`+name+`"`)
}

// nowhere looks for secrets in what backup and restore left on the operator's disk, and on those of the hosts.
func (r *restored) nowhere() {
	r.t.Helper()
	secrets := []string{secretValue}
	for _, program := range []string{"nomad", "consul"} {
		secrets = append(secrets, strings.TrimSpace(r.ok("token", program)))
	}
	for _, folder := range []string{r.backups, r.dir} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			for i, secret := range secrets {
				if strings.Contains(string(text), secret) {
					r.t.Errorf("secret %d stands in %s", i, path)
				}
			}
			return err
		})
		if err != nil {
			r.t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "crumpet-restore-*")); err != nil || len(left) > 0 {
		r.t.Errorf("restore leaves %v, %v", left, err)
	}
	for _, h := range r.lab.Hosts() {
		found, err := h.Console("grep -rlF -e " + strings.Join(secrets[1:], " -e ") + " /etc /tmp /var/lib/crumpet /root 2>/dev/null | grep -v /raft/ || true")
		if err != nil || strings.TrimSpace(found) != "" {
			r.t.Errorf("on %s a management token stands in %s, %v", h.Name, found, err)
		}
	}
}
