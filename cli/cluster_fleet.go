package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
	"github.com/crumpet-paas/crumpet/server/ssh"
)

// fleetFlags say which cluster a command is about, and how to get at what is kept of it.
type fleetFlags struct {
	file, state string
	identities  []string
	trustNew    bool
}

func (f *fleetFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "file", fleet.FileName, "what the cluster is to be")
	flags.StringVar(&f.state, "state", "", "sealed state (default NAME.cluster.age beside the file)")
	flags.BoolVar(&f.trustNew, "trust-new-hosts", false, "write down the SSH keys of machines that are not known yet")
	identityFlag(cmd, &f.identities)
	must(cmd.MarkFlagFilename("file", "hcl"))
	must(cmd.MarkFlagFilename("state", "age"))
}

// read reads the file, says its warnings and fills in what this program knows of itself.
func (f *fleetFlags) read(s *session) (fleet.Fleet, error) {
	src, err := os.ReadFile(f.file)
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.Fleet{}, paas.Errorf(paas.NotFound, "There is no %s: `crumpet cluster init` writes one, --file names another.", f.file)
	}
	if err != nil {
		return fleet.Fleet{}, paas.Wrap(paas.Invalid, err, "%s can't be read.", f.file)
	}
	parsed, warnings, err := fleet.Parse(f.file, src)
	if err != nil {
		return fleet.Fleet{}, err
	}
	for _, w := range warnings {
		s.say("Warning: %s: %s", w.Location, w.Message)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return fleet.Fleet{}, err
	}
	folder, err := filepath.Abs(filepath.Dir(f.file))
	if err != nil {
		return fleet.Fleet{}, err
	}
	f.state = cmp.Or(f.state, filepath.Join(folder, parsed.Name+".cluster.age"))
	parsed = parsed.In(folder, home)
	if parsed.Program(fleet.Crumpet).Name == "" {
		self, err := os.Executable()
		if err != nil {
			return fleet.Fleet{}, err
		}
		parsed.Programs = append(parsed.Programs, fleet.Program{Name: fleet.Crumpet, Command: string(fleet.Crumpet), Version: version, Source: self})
	}
	return parsed, nil
}

// keepers are those whom the state is sealed to.
func keepers(f fleet.Fleet) (sealed.Recipients, error) {
	var keys []string
	for _, k := range f.Keepers {
		keys = append(keys, k.PublicKey)
	}
	return sealed.NewRecipients(keys...)
}

// machines are the world of a run, with the connections that it makes.
type machines struct {
	*bootstrap.World
	network *ssh.Network
	hosts   []*ssh.Host
}

// reach gives the world that the steps work with. Whoever calls it closes it.
func (s *session) reach(f fleet.Fleet, flags fleetFlags, kept *bootstrap.Kept) (*machines, error) {
	config := ssh.Config{
		User: f.SSH.User, Port: f.SSH.Port, KeyFile: f.SSH.KeyFile, Agent: os.Getenv("SSH_AUTH_SOCK"), KnownHosts: f.SSH.KnownHosts,
		TrustNew: flags.trustNew, Timeout: f.SSH.Timeout,
	}
	if s.prompts() {
		config.Ask = func(prompt string) ([]byte, error) {
			text, err := s.password("key_file", "", prompt)
			return []byte(text), err
		}
	}
	if config.KeyFile == "" && config.Agent == "" { // what ssh would take
		if home, err := os.UserHomeDir(); err == nil {
			if own := filepath.Join(home, ".ssh", "id_ed25519"); readable(own) {
				config.KeyFile = own
			}
		}
	}
	network, err := ssh.Open(config)
	if err != nil {
		return nil, err
	}
	m := &machines{network: network, World: &bootstrap.World{
		Fleet: f, Hosts: map[string]bootstrap.Host{}, Kept: kept, Log: slog.New(slog.DiscardHandler), Now: time.Now, Open: readSource,
		Say: func(string, ...any) {}, Platform: platform{},
		Seal: func(k fleet.Keeper, plain []byte) ([]byte, error) {
			to, err := sealed.NewRecipients(k.PublicKey)
			if err != nil {
				return nil, err
			}
			return to.SealBytes(plain)
		},
	}}
	for _, machine := range f.Machines {
		host := network.Host(machine.Name, machine.Address, machine.Root)
		m.hosts = append(m.hosts, host)
		m.Hosts[machine.Name] = reached{host}
	}
	return m, nil
}

func (m *machines) close() {
	for _, h := range m.hosts {
		_ = h.Close() // all that was to be done is done, or was said to have failed
	}
	_ = m.network.Close()
}

// reached is a machine as bootstrap knows it.
type reached struct{ *ssh.Host }

var _ bootstrap.Host = reached{}

// Write puts a file in place.
func (r reached) Write(ctx context.Context, f bootstrap.File) error {
	return r.Host.Write(ctx, ssh.File(f))
}

// answersWithin bounds what a source of programs may think; loading may take longer.
const answersWithin = 30 * time.Second

// readSource reads a file of this machine, or a URL.
func readSource(ctx context.Context, source string) (io.ReadCloser, error) {
	return readFrom(ctx, source, &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: answersWithin, TLSHandshakeTimeout: answersWithin, DisableKeepAlives: true})
}

func readFrom(ctx context.Context, source string, transport http.RoundTripper) (io.ReadCloser, error) {
	u, err := url.Parse(source)
	if err != nil || u.Scheme != "https" {
		return openHere(strings.TrimPrefix(source, "file://"))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, before []*http.Request) error {
		if r.URL.Scheme != "https" || len(before) > 5 {
			return errors.New("it leads on to where it can't be trusted")
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "%s can't be reached: %s.", source, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
		return response.Body, nil
	case http.StatusNotFound, http.StatusGone:
		return nil, errors.Join(paas.Errorf(paas.NotFound, "There is no %s.", source), response.Body.Close())
	}
	return nil, errors.Join(paas.Errorf(paas.Unavailable, "%s answers %s.", source, response.Status), response.Body.Close())
}

func openHere(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && info.IsDir() {
		return nil, paas.Errorf(paas.NotFound, "There is no file %s.", path)
	}
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "%s can't be read: %s.", path, err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "%s can't be read: %s.", path, err)
	}
	return file, nil
}

// holder is who runs, for whoever finds the lock held.
func holder() string {
	who := "somebody"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	where, err := os.Hostname()
	if err != nil {
		where = "another machine"
	}
	return fmt.Sprintf("%s on %s, process %d, since %s", who, where, os.Getpid(), time.Now().UTC().Format(time.RFC3339))
}

// held is the state of a run that changes things.
type held struct {
	file *sealed.State
	kept *bootstrap.Kept
}

// hold locks and opens the state. Before anything is sealed for the first time, one of the identities must be a
// keeper's: whoever could not open the state again could not go on after an end either.
func (s *session) hold(f fleet.Fleet, flags fleetFlags) (held, error) {
	to, err := keepers(f)
	if err != nil {
		return held{}, err
	}
	with, err := s.backupIdentities(flags.identities)
	if err != nil {
		return held{}, err
	}
	file, err := sealed.HoldState(flags.state, f.Name, to)
	if err != nil {
		return held{}, err
	}
	values, err := file.Load(with)
	if err == nil && len(values) == 0 {
		if err = with.OneOf(to); paas.CodeOf(err) == paas.Forbidden {
			err = paas.Wrap(paas.Forbidden, err, "You are none of the keepers in %s: what is kept could not be opened again. Add your public key as a keeper, or name a keeper's key with --identity.", flags.file)
		}
	}
	if err == nil && file.Others() {
		s.say("The keepers have changed: %s is sealed to those of %s now.", flags.state, flags.file)
		err = file.Save(values)
	}
	if err != nil {
		return held{}, errors.Join(err, file.Close())
	}
	kept := bootstrap.NewKept(values, func(_ context.Context, values map[string]string) error { return file.Save(values) })
	return held{file, kept}, nil
}

// peek opens the state for a run that changes nothing.
func (s *session) peek(f fleet.Fleet, flags fleetFlags) (*bootstrap.Kept, error) {
	nothing := func(context.Context, map[string]string) error {
		return paas.Errorf(paas.Internal, "A run that only looks was about to keep something.")
	}
	if info, err := os.Stat(flags.state); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return bootstrap.NewKept(nil, nothing), nil
	}
	with, err := s.backupIdentities(flags.identities)
	if err != nil {
		return nil, err
	}
	values, err := sealed.ReadState(flags.state, f.Name, with)
	return bootstrap.NewKept(values, nothing), err
}

func readable(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
