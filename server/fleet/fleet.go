package fleet

import (
	"slices"
	"time"
)

// Fleet is what a cluster.hcl asks for.
type Fleet struct {
	Name     string // of the cluster: Nomad's and Consul's datacenter; [a-z]([a-z0-9]|-[a-z0-9])*
	Region   string // Nomad's; "global" unless said
	Domain   string // of the apps: one without a route gets APP.DOMAIN
	Init     Init
	SSH      SSH
	Machines []Machine  // by name
	Programs []Program  // one for each of Names, by name
	Seal     Seal       // of Vault
	Keepers  []Keeper   // who may read what up keeps: at least one
	Store    Store      // of Crumpet
	Ports    Ports      // of what listens on the machines
	Clients  ClientBase // of every Nomad client
}

// Init is what starts programs on a machine.
type Init string

// The kinds of Init. With Process whatever ends stays ended until the next up: for machines without systemd.
const (
	Systemd Init = "systemd"
	Process Init = "process"
)

// SSH is how machines are reached.
type SSH struct {
	User       string        // root, or one who may sudo without a password
	Port       int           // 22 unless said
	KeyFile    string        // private key; "" for the agent of SSH_AUTH_SOCK
	KnownHosts string        // file in the format of known_hosts; ~/.ssh/known_hosts unless said
	Timeout    time.Duration // of a connection, 10 s unless said
}

// Role is what a machine is for.
type Role string

// The roles. A machine may have both.
const (
	Server Role = "server" // Consul's, Vault's and Nomad's servers
	Client Role = "client" // Nomad's client, which runs the apps and the platform's own jobs
)

// Machine is one host.
type Machine struct {
	Name    string // unique; the node name in Consul, Nomad and Vault
	Address string // IP, without a port, under which all others reach it
	Roles   []Role
	Root    string            // below which everything is kept; "/" unless said
	Meta    map[string]string // of its Nomad client
}

// Is says whether the machine has the role.
func (m Machine) Is(r Role) bool { return slices.Contains(m.Roles, r) }

// Name of a program that a fleet runs.
type Name string

// The programs. Vault may be OpenBao: Program.Command says which.
const (
	Consul  Name = "consul"
	Nomad   Name = "nomad"
	Vault   Name = "vault"
	Fabio   Name = "fabio"
	Crumpet Name = "crumpet"
)

// Names are all of them, in the order in which they are installed.
var Names = []Name{Consul, Nomad, Vault, Fabio, Crumpet}

// Program is where one comes from.
type Program struct {
	Name    Name
	Command string // file name of the program: "vault" or "bao"; the name unless said
	Version string // as it says itself, "1.20.0"
	Source  string // https:// or file:// URL, or a folder or file where up runs; a .zip, .tar.gz or bare program
	SHA256  string // of what Source names, hex; may be empty for a folder or file where up runs: what lies there is taken, and said
	Sums    string // URL or file of a SHA256SUMS, in place of SHA256
	Key     string // file with the OpenPGP public key that signs Sums; "" for no signature
}

// SealKind is how Vault is unsealed.
type SealKind string

// The kinds of Seal. Shares need operators after each start; the others do it by themselves.
const (
	Shares  SealKind = "shares"
	Transit SealKind = "transit"
	KMS     SealKind = "kms"
)

// Seal is how Vault's master key is kept.
type Seal struct {
	Kind      SealKind
	Shares    int               // of Kind Shares: how many; 5 unless said
	Threshold int               // of them that unseal; 3 unless said
	Type      string            // of Kind KMS: Vault's own word, such as "awskms"
	Settings  map[string]string // of Transit and KMS, as Vault's seal stanza has them, without secrets
	TokenFile string            // of Transit: file here that holds the token for the other Vault
	CAFile    string            // of Transit: file here with the authority of the other Vault's certificate; "" for one that machines know
}

// Keeper may read the shares and the state that up keeps.
type Keeper struct {
	Name      string
	PublicKey string // age1..., or an ssh-ed25519 or ssh-rsa line
}

// Store is where Crumpet keeps its wishes.
type Store struct {
	URLFile string // file here that holds the URL of a PostgreSQL database, which all clients reach
}

// Ports are the ports that are not the programs' own defaults.
type Ports struct {
	Router int // of Fabio, for the apps' requests; 80 unless said
	Admin  int // of Fabio's API; 9998 unless said
	JWKS   int // of the proxy that hands out Nomad's public keys; 4651 unless said
}

// ClientBase is what every Nomad client has.
type ClientBase struct {
	Drivers    []string // task drivers: exec unless said
	MinPort    int      // of dynamic ports; 20000 unless said
	MaxPort    int      // 32000 unless said
	ChrootEnv  map[string]string
	ReservedMB int // memory kept for the system
}

// Of gives the machines with a role.
func (f Fleet) Of(r Role) []Machine {
	var some []Machine
	for _, m := range f.Machines {
		if m.Is(r) {
			some = append(some, m)
		}
	}
	return some
}

// Program gives one by name.
func (f Fleet) Program(n Name) Program {
	for _, p := range f.Programs {
		if p.Name == n {
			return p
		}
	}
	return Program{}
}
