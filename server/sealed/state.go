package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// State is a sealed file of named values, held by this process alone.
type State struct {
	path string
	to   Recipients
	of   string   // what the values belong to: the name of a cluster
	file *os.File // that lies at path now, locked
	last []string // the public keys it was sealed to when it was loaded
}

// content is what is sealed.
type content struct {
	Version int               `json:"version"`
	Of      string            `json:"of"`
	To      []string          `json:"to"` // public keys
	Values  map[string]string `json:"values"`
}

const stateVersion = 1

// HoldState locks the file, which need not be there yet. Code: conflict while another process has it.
func HoldState(path, of string, to Recipients) (*State, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The state %s can't be opened.", path)
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &State{path: path, of: of, to: to, file: file}
	// Whoever had the lock until now may have put another file there.
	if same, err := s.same(); err != nil || !same {
		return nil, errors.Join(busy(path, err), file.Close())
	}
	return s, nil
}

func lock(file *os.File) error {
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return busy(file.Name(), err)
	}
	return nil
}

func busy(path string, err error) error {
	return paas.Wrap(paas.Conflict, err, "Another run is using %s: wait for its end.", path)
}

func (s *State) same() (bool, error) {
	mine, err := s.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(s.path)
	if err != nil {
		return false, err
	}
	return os.SameFile(mine, there), nil
}

// Empty says whether nothing was ever saved.
func (s *State) Empty() (bool, error) {
	info, err := s.file.Stat()
	if err != nil {
		return false, err
	}
	return info.Size() == 0, nil
}

// Load opens the file; it is called once, first. An empty one has no values. Codes: forbidden, invalid.
func (s *State) Load(with Identities) (map[string]string, error) {
	c, err := read(s.path, s.of, s.file, with)
	s.last = c.To
	return c.Values, err
}

// Others says whether what was loaded is sealed to others than it is to be: then it is to be saved again.
func (s *State) Others() bool { return s.last != nil && !slices.Equal(s.last, s.to.keys) }

// ReadState opens a file without holding it: for those who only look. One that is not there has no values.
func ReadState(path, of string, with Identities) (map[string]string, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The state %s can't be read.", path)
	}
	defer func() { _ = file.Close() }()
	return OpenState(path, of, file, with)
}

// OpenState opens a state that lies somewhere else, such as in a backup; path is what errors call it.
func OpenState(path, of string, from io.Reader, with Identities) (map[string]string, error) {
	c, err := read(path, of, from, with)
	return c.Values, err
}

func read(path, of string, from io.Reader, with Identities) (content, error) {
	sealed, err := io.ReadAll(from)
	if err != nil {
		return content{}, paas.Wrap(paas.Invalid, err, "The state %s can't be read.", path)
	}
	if len(sealed) == 0 {
		return content{Values: map[string]string{}}, nil
	}
	plain, err := with.OpenBytes(sealed)
	if err != nil {
		return content{}, paas.Wrap(paas.CodeOf(err), err, "The state %s can't be opened. %s", path, paas.MessageOf(err))
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return content{}, paas.Errorf(paas.Invalid, "The state %s holds something else: restore it from a copy.", path)
	}
	switch {
	case c.Version != stateVersion:
		return content{}, paas.Errorf(paas.Invalid, "The state %s is of version %d, and this crumpet knows %d: use the newer one.", path, c.Version, stateVersion)
	case c.Of != of:
		return content{}, paas.Errorf(paas.Invalid, "The state %s is that of cluster %q, not of %q: name the file of this one with --state.", path, c.Of, of)
	}
	return c, nil
}

// Save replaces the file, whole: when it returns without an error, the values outlive a loss of power.
func (s *State) Save(values map[string]string) error {
	plain, err := json.Marshal(content{Version: stateVersion, Of: s.of, To: s.to.keys, Values: values})
	if err != nil {
		return err
	}
	sealed, err := s.to.SealBytes(plain)
	if err != nil {
		return err
	}
	fail := func(err error) error {
		return paas.Wrap(paas.Invalid, err, "The state %s can't be written.", s.path)
	}
	next, err := os.CreateTemp(filepath.Dir(s.path), "."+filepath.Base(s.path)+".*") // mode 0600
	if err != nil {
		return fail(err)
	}
	drop := func(err error) error {
		return fail(errors.Join(err, next.Close(), os.Remove(next.Name())))
	}
	// Locked before it has the name: nobody finds the state unlocked in between.
	if err := lock(next); err != nil {
		return drop(err)
	}
	if _, err := io.Copy(next, bytes.NewReader(sealed)); err != nil {
		return drop(err)
	}
	if err := next.Sync(); err != nil {
		return drop(err)
	}
	if err := os.Rename(next.Name(), s.path); err != nil {
		return drop(err)
	}
	before := s.file
	s.file = next
	return errors.Join(before.Close(), syncFolder(filepath.Dir(s.path)))
}

// syncFolder makes the new name outlive a loss of power.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Close gives the file back. One that nothing was saved in is removed.
func (s *State) Close() error {
	empty, err := s.Empty()
	if err == nil && empty {
		err = os.Remove(s.path)
	}
	return errors.Join(err, s.file.Close())
}

// Retire moves the file aside once what it belongs to is gone, and gives its new name. It replaces none that was
// moved aside before.
func (s *State) Retire(suffix string) (string, error) {
	fail := func(err error) error {
		return paas.Wrap(paas.Invalid, err, "The state %s can't be moved aside.", s.path)
	}
	name := s.path + "." + suffix
	err := os.Link(s.path, name)
	for n := 2; errors.Is(err, os.ErrExist); n++ {
		name = fmt.Sprintf("%s.%s-%d", s.path, suffix, n)
		err = os.Link(s.path, name)
	}
	if err != nil {
		return "", fail(err)
	}
	if err := os.Remove(s.path); err != nil {
		return "", fail(err)
	}
	return name, syncFolder(filepath.Dir(s.path))
}
