package consul

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	nodeName   = "local"
	nodeAddr   = "127.0.0.1"
	datacenter = "dc1"
	serfHealth = "serfHealth"

	// version is the Consul whose behaviour was compared with this package's.
	version = "1.8.7"

	// maxTombstones bounds what deleted keys leave behind; Consul drops them after 15 minutes.
	maxTombstones = 4096
)

// Names of indexes; services have one each besides, see serviceTable.
const (
	tableNodes    = "nodes"
	tableServices = "services"
	tableChecks   = "checks"
	tableKV       = "kvs"
	tableSessions = "sessions"
	tableExtinct  = "service_last_extinction"
)

func serviceTable(name string) string { return "service." + name }

// ident keys services and checks: their ids are unique on a node only.
func ident(node, id string) string { return node + "/" + id }

// state is the whole of what is saved, in one file.
type state struct {
	Index      uint64
	NodeID     string
	Tables     map[string]uint64
	Nodes      map[string]*consulapi.Node
	Services   map[string]*service // by ident
	Checks     map[string]*check   // by ident
	KV         map[string]*entry
	Tombstones map[string]uint64
	Sessions   map[string]*session
}

// service is an instance in the catalog.
type service struct {
	Node  string
	Agent consulapi.AgentService
}

// check is a check in the catalog. Checks of this agent have a definition and are run; others are only kept.
type check struct {
	Health     consulapi.HealthCheck
	Definition *definition `json:",omitempty"`

	// Below: the runner's, in memory only.
	due           time.Time // next run, or the end of the TTL
	running       bool
	restored      bool // came from disk and did not run yet
	successes     int
	failures      int
	criticalSince time.Time
}

// entry is a key, spelled as the API spells it. Entries are never changed in place, so a snapshot of the map is enough to
// undo a transaction.
type entry struct {
	LockIndex   uint64
	Key         string
	Flags       uint64
	Value       []byte
	Session     string `json:",omitempty"`
	CreateIndex uint64
	ModifyIndex uint64
}

// session is a session, spelled as the API spells it.
type session struct {
	ID            string
	Name          string
	Node          string
	LockDelay     time.Duration
	Behavior      string
	TTL           string
	NodeChecks    []string
	ServiceChecks []consulapi.ServiceCheck
	CreateIndex   uint64
	ModifyIndex   uint64
}

func newState(nodeID string) *state {
	st := &state{
		Index:      5,
		NodeID:     nodeID,
		Tables:     map[string]uint64{tableNodes: 5, tableServices: 5, tableChecks: 5, serviceTable("consul"): 5},
		Nodes:      map[string]*consulapi.Node{},
		Services:   map[string]*service{},
		Checks:     map[string]*check{},
		KV:         map[string]*entry{},
		Tombstones: map[string]uint64{},
		Sessions:   map[string]*session{},
	}
	addrs := map[string]string{"lan": nodeAddr, "lan_ipv4": nodeAddr, "wan": nodeAddr, "wan_ipv4": nodeAddr}
	st.Nodes[nodeName] = &consulapi.Node{
		ID: nodeID, Node: nodeName, Address: nodeAddr, Datacenter: datacenter, TaggedAddresses: addrs,
		Meta: map[string]string{"consul-network-segment": ""}, CreateIndex: 5, ModifyIndex: 5,
	}
	st.Services[ident(nodeName, "consul")] = &service{Node: nodeName, Agent: consulapi.AgentService{
		ID: "consul", Service: "consul", Tags: []string{}, Meta: map[string]string{"version": version}, Port: 8300,
		Weights: consulapi.AgentWeights{Passing: 1, Warning: 1}, CreateIndex: 5, ModifyIndex: 5,
	}}
	st.Checks[ident(nodeName, serfHealth)] = &check{Health: consulapi.HealthCheck{
		Node: nodeName, CheckID: serfHealth, Name: "Serf Health Status", Status: consulapi.HealthPassing,
		Output: "Agent alive and reachable", ServiceTags: []string{}, CreateIndex: 5, ModifyIndex: 5,
	}}
	return st
}

// load reads the saved state, or makes the state of a new agent.
func load(path string, newID func() string) (*state, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(newID()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	st := newState("")
	if err := json.Unmarshal(raw, st); err != nil {
		return nil, fmt.Errorf("read state %s: %w", path, err)
	}
	return st, nil
}

// writeFile replaces path, or leaves it as it was.
func writeFile(path string, raw []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if _, err := tmp.Write(raw); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Sync(); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// tx is one change of the state under one index. Server.mu is held while it lives.
type tx struct {
	*Server
	index uint64
	dirty bool
}

// touch says that what the tables index has changed.
func (t *tx) touch(tables ...string) {
	for _, name := range tables {
		t.state.Tables[name] = t.index
	}
	t.dirty = true
}

// update runs fn as one change. When fn changed anything the state is saved and blocked readers are woken, even if fn
// failed too: an fn that fails half-way must not have touched anything.
func (s *Server) update(fn func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tx{Server: s, index: s.state.Index + 1}
	err := fn(t)
	if !t.dirty {
		return err
	}
	s.state.Index = t.index
	if saveErr := s.save(); saveErr != nil {
		s.log.Error("state was not saved", "err", saveErr)
		err = errors.Join(err, saveErr)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return err
}

// save needs mu. It is called with each change: the state of one machine is small, and a change that was answered must
// survive SIGKILL.
func (s *Server) save() error {
	raw, err := json.Marshal(s.state)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := writeFile(s.path, raw); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// serviceIndex is the index of one service; one that is gone has the index of the last that went.
func (st *state) serviceIndex(name string) uint64 {
	if index := st.Tables[serviceTable(name)]; index > 0 {
		return index
	}
	return cmp.Or(st.Tables[tableExtinct], st.Tables[tableServices])
}

// services lists the instances that keep admits, by node and id.
func (st *state) services(keep func(*service) bool) []*service {
	var list []*service
	for _, key := range slices.Sorted(maps.Keys(st.Services)) {
		if svc := st.Services[key]; keep(svc) {
			list = append(list, svc)
		}
	}
	return list
}

// checks lists the checks that keep admits, by node and id.
func (st *state) checks(keep func(*check) bool) []*check {
	var list []*check
	for _, key := range slices.Sorted(maps.Keys(st.Checks)) {
		if c := st.Checks[key]; keep(c) {
			list = append(list, c)
		}
	}
	return list
}
