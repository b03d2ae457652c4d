package executor

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// Identity is whom a process runs as.
type Identity struct {
	UID, GID uint32
	Groups   []uint32
}

// LookUser finds a user by name or number. Empty is whoever runs the stand-in:
// nil.
func LookUser(name string) (*Identity, error) {
	if name == "" {
		return nil, nil
	}
	found, err := user.Lookup(name)
	if err != nil {
		if found, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("failed to identify user %q: %w", name, err)
		}
	}
	uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("user %q has the ids %s and %s", name, found.Uid, found.Gid)
	}
	who := &Identity{UID: uint32(uid), GID: uint32(gid)}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("groups of user %q: %w", name, err)
	}
	for _, group := range groups {
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			who.Groups = append(who.Groups, uint32(id))
		}
	}
	return who, nil
}

// Enter says which folder on the way to a path is closed to an identity. There is
// no chroot here, so a task needs the whole way.
func (who *Identity) Enter(path string) error {
	if who == nil || who.UID == 0 {
		return nil
	}
	for ; path != "/"; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("folder of the task: %w", err)
		}
		owner, known := info.Sys().(*syscall.Stat_t)
		need := fs.FileMode(0o001)
		switch {
		case known && owner.Uid == who.UID:
			need = 0o100
		case known && (owner.Gid == who.GID || slices.Contains(who.Groups, owner.Gid)):
			need = 0o010
		}
		if info.Mode()&need == 0 {
			return fmt.Errorf("user %d may not enter %s", who.UID, path)
		}
	}
	return nil
}

// Credential is an identity as the kernel takes it.
func Credential(who *Identity) *syscall.Credential {
	if who == nil {
		return nil
	}
	return &syscall.Credential{Uid: who.UID, Gid: who.GID, Groups: who.Groups}
}
