package fleet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// FileName is what a fleet's file is called unless said.
const FileName = "cluster.hcl"

// The file as it is written: a pointer is nil where the key is left out.
type (
	file struct {
		Name     string         `hcl:"name"`
		Region   *string        `hcl:"region"`
		Domain   string         `hcl:"domain"`
		Init     *string        `hcl:"init"`
		SSH      *sshBlock      `hcl:"ssh,block"`
		Machines []machineBlock `hcl:"machine,block"`
		Programs []programBlock `hcl:"program,block"`
		Seal     *sealBlock     `hcl:"seal,block"`
		Keepers  []keeperBlock  `hcl:"keeper,block"`
		Store    *storeBlock    `hcl:"store,block"`
		Ports    *portsBlock    `hcl:"ports,block"`
		Clients  *clientsBlock  `hcl:"clients,block"`
	}
	sshBlock struct {
		User       *string `hcl:"user"`
		Port       *int    `hcl:"port"`
		KeyFile    *string `hcl:"key_file"`
		KnownHosts *string `hcl:"known_hosts"`
		Timeout    *string `hcl:"timeout"`
	}
	machineBlock struct {
		Name    string            `hcl:"name,label"`
		Address string            `hcl:"address"`
		Roles   []string          `hcl:"roles"`
		Root    *string           `hcl:"root"`
		Meta    map[string]string `hcl:"meta,optional"`
	}
	programBlock struct {
		Name    string  `hcl:"name,label"`
		Command *string `hcl:"command"`
		Version string  `hcl:"version"`
		Source  string  `hcl:"source"`
		SHA256  *string `hcl:"sha256"`
		Sums    *string `hcl:"sums"`
		Key     *string `hcl:"key"`
	}
	sealBlock struct {
		Kind      string            `hcl:"kind,label"`
		Shares    *int              `hcl:"shares"`
		Threshold *int              `hcl:"threshold"`
		Type      *string           `hcl:"type"`
		Settings  map[string]string `hcl:"settings,optional"`
		TokenFile *string           `hcl:"token_file"`
		CAFile    *string           `hcl:"ca_file"`
	}
	keeperBlock struct {
		Name      string `hcl:"name,label"`
		PublicKey string `hcl:"public_key"`
	}
	storeBlock struct {
		URLFile string `hcl:"url_file"`
	}
	portsBlock struct {
		Router *int `hcl:"router"`
		Admin  *int `hcl:"admin"`
		JWKS   *int `hcl:"jwks"`
	}
	clientsBlock struct {
		Drivers    []string          `hcl:"drivers,optional"`
		MinPort    *int              `hcl:"min_port"`
		MaxPort    *int              `hcl:"max_port"`
		ChrootEnv  map[string]string `hcl:"chroot_env,optional"`
		ReservedMB *int              `hcl:"reserved_mb"`
	}
)

// Parse reads a cluster.hcl. Warnings are of what works and is not wise. Every fault is reported at once, those of
// form and those of values alike, each with FILE:LINE:COLUMN. Code: invalid.
func Parse(filename string, src []byte) (f Fleet, warnings []paas.Fault, err error) {
	parsed, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if diags.HasErrors() {
		return Fleet{}, nil, faulty(filename, diagnosed(diags))
	}
	var written file
	diags = gohcl.DecodeBody(parsed.Body, nil, &written)
	f, faults := written.fleet()
	places := find(parsed.Body)
	said := diagnosed(diags)
	form := said
	for _, fault := range append(faults, f.faults()...) {
		key := fault.Location[strings.LastIndex(fault.Location, ".")+1:]
		fault.Location = places.of(fault.Location)
		if !slices.ContainsFunc(said, func(o paas.Fault) bool { return follows(fault, key, o) }) {
			form = append(form, fault)
		}
	}
	if len(form) > 0 {
		slices.SortStableFunc(form, byPlace)
		return Fleet{}, nil, faulty(filename, form)
	}
	warnings = f.Warnings()
	for i := range warnings {
		warnings[i].Location = places.of(warnings[i].Location)
	}
	slices.SortStableFunc(warnings, byPlace)
	return f, warnings, nil
}

// follows says whether a fault is only there because of what HCL could not decode, which it has said.
func follows(fault paas.Fault, key string, said paas.Fault) bool {
	if strings.HasPrefix(said.Message, "Missing required argument") && !strings.Contains(said.Message, fmt.Sprintf("The argument %q is required", key)) {
		return false
	}
	return sameLine(fault.Location, said.Location)
}

func sameLine(a, b string) bool {
	cut := func(s string) string { return s[:max(strings.LastIndex(s, ":"), 0)] }
	return cut(a) == cut(b)
}

// byPlace sorts as one reads.
func byPlace(a, b paas.Fault) int {
	var la, ca, lb, cb int
	number(a.Location, &la, &ca)
	number(b.Location, &lb, &cb)
	if la != lb {
		return la - lb
	}
	return ca - cb
}

func number(location string, line, column *int) {
	parts := strings.Split(location, ":")
	if len(parts) >= 3 {
		_, _ = fmt.Sscan(parts[len(parts)-2], line) // a place is ours: it has numbers
		_, _ = fmt.Sscan(parts[len(parts)-1], column)
	}
}

func diagnosed(diags hcl.Diagnostics) []paas.Fault {
	var faults []paas.Fault
	for _, d := range diags {
		fault := paas.Fault{Message: d.Summary + ": " + d.Detail}
		if d.Subject != nil {
			fault.Location = place(*d.Subject)
		}
		faults = append(faults, fault)
	}
	return faults
}

func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}

func faulty(filename string, faults []paas.Fault) *paas.Error {
	count := fmt.Sprintf("%d faults", len(faults))
	if len(faults) == 1 {
		count = "1 fault"
	}
	var causes []error
	for _, fault := range faults {
		causes = append(causes, fmt.Errorf("%s: %s", fault.Location, fault.Message))
	}
	return &paas.Error{Code: paas.Invalid, Message: fmt.Sprintf("%s has %s.", filename, count), Faults: faults, Err: errors.Join(causes...)}
}

// fleet fills in what was left out. Faults are those of values that can't be told in a Fleet.
func (w file) fleet() (f Fleet, faults []paas.Fault) {
	f = Fleet{Name: w.Name, Region: or(w.Region, "global"), Domain: w.Domain, Init: Init(or(w.Init, string(Systemd)))}
	ssh := orBlock(w.SSH)
	f.SSH = SSH{User: or(ssh.User, "root"), Port: or(ssh.Port, 22), KeyFile: or(ssh.KeyFile, ""), KnownHosts: or(ssh.KnownHosts, "~/.ssh/known_hosts")}
	timeout, err := time.ParseDuration(or(ssh.Timeout, "10s"))
	if f.SSH.Timeout = timeout; err != nil {
		f.SSH.Timeout = 10 * time.Second
		faults = append(faults, paas.Fault{Location: "ssh.timeout", Message: fmt.Sprintf("ssh.timeout = %q is not a duration, such as \"10s\".", *ssh.Timeout)})
	}
	for _, m := range w.Machines {
		machine := Machine{Name: m.Name, Address: m.Address, Root: or(m.Root, "/"), Meta: m.Meta}
		for _, r := range m.Roles {
			machine.Roles = append(machine.Roles, Role(r))
		}
		f.Machines = append(f.Machines, machine)
	}
	for _, p := range w.Programs {
		f.Programs = append(f.Programs, Program{
			Name: Name(p.Name), Command: or(p.Command, p.Name), Version: p.Version, Source: p.Source,
			SHA256: strings.ToLower(or(p.SHA256, "")), Sums: or(p.Sums, ""), Key: or(p.Key, ""),
		})
	}
	seal := orBlock(w.Seal)
	f.Seal = Seal{Kind: SealKind(seal.Kind), Type: or(seal.Type, ""), Settings: seal.Settings, TokenFile: or(seal.TokenFile, ""), CAFile: or(seal.CAFile, "")}
	if w.Seal == nil {
		f.Seal.Kind = Shares
	}
	if f.Seal.Kind == Shares {
		f.Seal.Shares = or(seal.Shares, 5)
		f.Seal.Threshold = or(seal.Threshold, min(3, f.Seal.Shares))
	} else if seal.Shares != nil || seal.Threshold != nil {
		faults = append(faults, paas.Fault{Location: "seal." + seal.Kind, Message: fmt.Sprintf("shares and threshold are those of seal \"shares\"; a seal %q has none.", seal.Kind)})
	}
	for _, k := range w.Keepers {
		f.Keepers = append(f.Keepers, Keeper{Name: k.Name, PublicKey: strings.TrimSpace(k.PublicKey)})
	}
	if w.Store != nil {
		f.Store.URLFile = w.Store.URLFile
	}
	ports := orBlock(w.Ports)
	f.Ports = Ports{Router: or(ports.Router, 80), Admin: or(ports.Admin, 9998), JWKS: or(ports.JWKS, 4651)}
	clients := orBlock(w.Clients)
	f.Clients = ClientBase{Drivers: clients.Drivers, MinPort: or(clients.MinPort, 20000), MaxPort: or(clients.MaxPort, 32000), ChrootEnv: clients.ChrootEnv, ReservedMB: or(clients.ReservedMB, 0)}
	if len(f.Clients.Drivers) == 0 {
		f.Clients.Drivers = []string{"exec"}
	}
	slices.SortStableFunc(f.Machines, func(a, b Machine) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(f.Programs, func(a, b Program) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return f, faults
}

func or[T any](given *T, unless T) T {
	if given == nil {
		return unless
	}
	return *given
}

func orBlock[T any](given *T) T {
	var none T
	return or(given, none)
}
