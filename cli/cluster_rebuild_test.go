package cli_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

// TestTheStateOfAClusterComesOutOfItsBackup: a rebuild takes the sealed state from the backup where there is none, and
// refuses one of another cluster, before any machine is spoken to.
func TestTheStateOfAClusterComesOutOfItsBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := makeKey(t, dir, "ann")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	from, _ := filledData(t, filepath.Join(dir, "from"))
	file, state := filepath.Join(dir, "cluster.hcl"), filepath.Join(dir, "lab.cluster.age")
	wants(t, 0, "cluster.hcl", "cluster", "init", "lab", "--file", file, "--init", "process", "--domain", "lab.example.com",
		"--server", "one=10.0.0.1", "--client", "one=10.0.0.1", "--keeper", "ann="+key+".pub")
	backup := func(name string) string {
		path := filepath.Join(dir, name)
		wants(t, 0, "sealed to 1 keepers", "cluster", "backup", "--config", from, "--to", path, "--file", file,
			"--without", "vault", "--without", "consul", "--without", "nomad")
		return path
	}
	keep := func(authority string) {
		t.Helper()
		to, err := sealed.NewRecipients(string(public))
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(state) // there may be none
		held, err := sealed.HoldState(state, "lab", to)
		if err != nil {
			t.Fatal(err)
		}
		if err := held.Save(map[string]string{bootstrap.KeptCA: authority}); err != nil {
			t.Fatal(err)
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
	}

	bare := backup("bare.age")
	keep("authority")
	whole := backup("whole.age")
	wants(t, 1, "no Vault in it", "cluster", "restore", whole, "--file", file, "--identity", key)
	restore := func(path string) []string {
		return []string{"cluster", "restore", path, "--file", file, "--identity", key, "--only", "store", "--only", "consul"}
	}
	keep("another")
	wants(t, 1, "is of another cluster", restore(whole)...)
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	wants(t, 1, "has no sealed state in it", restore(bare)...)
	wants(t, 1, "was taken out of the backup", restore(whole)...) // and then no machine is there
	identities, err := sealed.ReadIdentities(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	if values, err := sealed.ReadState(state, "lab", identities); err != nil || values[bootstrap.KeptCA] != "authority" {
		t.Errorf("the state that is back: %v, %v", values, err)
	}
}

func TestADatabaseIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://crumpet:secret@db.internal:5432/crumpet?sslmode=require": "postgres://crumpet@db.internal:5432/crumpet",
		"postgres://db.internal/crumpet\n":                                   "postgres://db.internal/crumpet",
		"host=db password=secret":                                            "",
		"":                                                                   "",
	} {
		if got := cli.DatabaseOf(address); got != want {
			t.Errorf("%q is named %q, want %q", address, got, want)
		}
	}
}

func TestAConnectionThroughSSHEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	conn := cli.EndsInTime(t)
	if err := conn.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil { // none any more
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	}()
	if err := conn.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it was read from after its deadline")
		}
	case <-time.After(10 * time.Second):
		t.Error("it is still waited for")
	}
}
