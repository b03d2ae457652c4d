package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Postgres is the PostgreSQL of this machine, which has no stand-in: either there is one or there is none.
type Postgres struct {
	Bin     string // folder of initdb and postgres
	Version string
	Missing string // why there is none, a sentence; "" when there is
	as      *syscall.Credential
}

const (
	oldestPostgres = 15
	postgresLimit  = time.Minute // for initdb, on a slow machine
	// postgresFolder is the data folder as its processes see it: they get it opened, since one who is not
	// root may not go down the path that leads there.
	postgresFolder = "/proc/self/fd/3"
)

// FindPostgres looks for a PostgreSQL: on PATH, or where distributions put the versions that they have.
func FindPostgres() Postgres {
	var tried []string
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is right
	more, _ := filepath.Glob("/usr/pgsql-*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, real)
		}
	}
	var best Postgres
	for _, initdb := range append(candidates, more...) {
		bin := filepath.Dir(initdb)
		if info, err := os.Stat(filepath.Join(bin, "postgres")); err != nil || info.Mode()&0o111 == 0 {
			continue
		}
		v := postgresVersion(filepath.Join(bin, "postgres"))
		if major(v) < oldestPostgres {
			tried = append(tried, fmt.Sprintf("%s is version %s", bin, v))
			continue
		}
		if major(v) > major(best.Version) {
			best = Postgres{Bin: bin, Version: v}
		}
	}
	switch {
	case best.Bin == "" && len(tried) > 0:
		best.Missing = fmt.Sprintf("No PostgreSQL of version %d or later was found on this machine: %s. Install one and start crumpet dev again.", oldestPostgres, strings.Join(tried, ", "))
	case best.Bin == "":
		best.Missing = "No PostgreSQL was found on this machine: initdb is neither on PATH nor in /usr/lib/postgresql/VERSION/bin. Install PostgreSQL and start crumpet dev again."
	case os.Geteuid() == 0:
		if best.as = stranger(); best.as == nil {
			best.Missing = "PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody to run it as. Add one and start crumpet dev again."
		}
	}
	return best
}

func postgresVersion(path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").Output() // postgres (PostgreSQL) 15.18 (Debian ...)
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return fields[2]
}

func major(version string) int {
	digits, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0 // it did not say, or is no release
	}
	return n
}

// stranger is somebody who is not root.
func stranger() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

// postgres describes the child; none where there is no PostgreSQL, and then it says why.
func (b *builder) postgres(found Postgres) (Child, bool, error) {
	if found.Bin == "" && found.Missing == "" { // not asked for
		return Child{}, false, nil
	}
	p := &b.stack.Postgres
	if p.Missing = found.Missing; p.Missing == "" && !stillFree(b.ports.Postgres) {
		p.Missing = fmt.Sprintf("Port %d, which the PostgreSQL of this data folder has, is taken by another program. Databases made before know it by no other: free the port, or use another data folder.", b.ports.Postgres)
	}
	if p.Missing != "" {
		return Child{}, false, nil
	}
	dir, err := b.folder("postgres")
	if err != nil {
		return Child{}, false, err
	}
	if p.keys, err = readPostgresKeys(filepath.Join(dir, "keys.json")); err != nil {
		return Child{}, false, err
	}
	p.Version, p.addr = found.Version, local(b.ports.Postgres)
	data := filepath.Join(dir, "data")
	return Child{
		Name: "postgres", Log: b.logFile("postgres"), Folder: data, As: found.as, Background: true,
		Stop: syscall.SIGINT, // the polite one waits until everybody has left
		Argv: []string{
			filepath.Join(found.Bin, "postgres"), "-D", postgresFolder, "-p", strconv.Itoa(b.ports.Postgres),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + postgresFolder, "-c", "max_connections=300",
			// One machine, nothing that copies it: less is written, and nothing of it is risked.
			"-c", "wal_level=minimal", "-c", "max_wal_senders=0",
		},
		Prepare: func(ctx context.Context) error {
			if n := endStrays(ctx, data); n > 0 {
				b.log.Warn("processes of an earlier postgres killed", "count", n)
			}
			return initPostgres(ctx, found, data, p.keys)
		},
		Ready: p.ready,
	}, true, nil
}

// initPostgres makes the data folder, once: what a run before left half done is made anew.
func initPostgres(ctx context.Context, found Postgres, data string, keys *postgresKeys) error {
	done := filepath.Join(filepath.Dir(data), "initialized")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := errors.Join(os.RemoveAll(data), os.Mkdir(data, 0o700)); err != nil {
		return err
	}
	secret, err := os.CreateTemp(filepath.Dir(data), "password-")
	if err != nil {
		return err
	}
	defer secret.Close() //nolint:errcheck // it has no name any more
	if err := os.Remove(secret.Name()); err != nil {
		return err
	}
	keys.Superuser = rand.Text()
	if _, err := secret.WriteString(keys.Superuser); err != nil {
		return err
	}
	if found.as != nil {
		if err := errors.Join(os.Chown(data, int(found.as.Uid), int(found.as.Gid)), secret.Chown(int(found.as.Uid), int(found.as.Gid))); err != nil {
			return err
		}
	}
	if err := writeJSON(keys.path, keys); err != nil {
		return err
	}
	folder, err := os.Open(data)
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // only read
	ctx, cancel := context.WithTimeout(ctx, postgresLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(found.Bin, "initdb"), "--pgdata", postgresFolder, "--username", superuser, "--pwfile", "/proc/self/fd/4",
		"--no-sync", // by far the longest part; who loses power within the first half minute has lost an empty database
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-instructions")
	cmd.Dir, cmd.Env, cmd.ExtraFiles = "/", postgresEnv(), []*os.File{folder, secret}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: found.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return os.WriteFile(done, nil, 0o600)
}

// postgresEnv is what its programs see: nothing of a shell that is set up for another server.
func postgresEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") || strings.HasPrefix(v, markName+"=") })
}

// endStrays kills what is left of a PostgreSQL whose first process was killed: one in the middle of a query
// notices only at its end. They write over their environment, so that no mark is left in it; but each works in
// the data folder.
func endStrays(ctx context.Context, data string) int {
	killed := map[int]bool{}
	for ctx.Err() == nil {
		found := false
		entries, err := os.ReadDir("/proc")
		if err != nil {
			break
		}
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err != nil || pid == os.Getpid() {
				continue
			}
			process, err := os.FindProcess(pid) // before the look at its folder
			if err != nil {
				continue
			}
			at, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
			program, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "exe")) // both "" of one that is gone
			if at == data && filepath.Base(program) == "postgres" {
				found, killed[pid] = true, true
				_ = process.Kill() // gone already, or gone at the next look
			}
			_ = process.Release()
		}
		if !found {
			break
		}
		pause(ctx, 10*time.Millisecond)
	}
	return len(killed)
}

// postgresKeys are the password of the superuser. It lies in the data folder, mode 0600, like the vault's.
type postgresKeys struct {
	path      string
	Superuser string `json:"superuser_password"`
}

func readPostgresKeys(path string) (*postgresKeys, error) {
	k := &postgresKeys{path: path}
	err := readJSON(path, k)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read postgres keys: %w", err)
	}
	return k, nil
}
