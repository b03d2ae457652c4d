package vault

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	raftStorage = "raft"
	peerTimeout = 3 * time.Second // of asking one server itself
)

// Quorum gives Vault's servers as its autopilot sees them, each asked itself whether it is sealed. Where the storage is
// not Vault's own, the one that answers is all that is known. Codes: forbidden (policies/vault/server.hcl has the path),
// unavailable.
func (c *Client) Quorum(ctx context.Context) (paas.Quorum, error) {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	seal, err := c.api.Sys().SealStatusWithContext(callCtx)
	if err != nil {
		return paas.Quorum{}, c.fail(ctx, err, "ask Vault for its seal")
	}
	quorum := paas.Quorum{Program: paas.BackendVault, Version: seal.Version, Seal: seal.Type, Alone: seal.StorageType != raftStorage}
	if quorum.Skew, err = c.skew(ctx); err != nil {
		return paas.Quorum{}, err
	}
	own := paas.QuorumServer{Name: c.address, Address: c.address, Version: seal.Version, Voter: true, Healthy: !seal.Sealed, Sealed: seal.Sealed}
	if quorum.Alone || seal.Sealed { // one that is sealed knows no other
		if own.Leader = !seal.Sealed; own.Leader {
			quorum.Leader = own.Name
		}
		quorum.Servers = []paas.QuorumServer{own}
		return quorum, nil
	}
	var state struct {
		Leader  string `json:"leader"`
		Servers map[string]struct {
			Name    string `json:"name"`
			Address string `json:"address"`
			Status  string `json:"status"` // leader, voter, non-voter
			Healthy bool   `json:"healthy"`
			Version string `json:"version"`
		} `json:"servers"`
	}
	if err := c.read(ctx, call{does: "ask Vault's autopilot for its servers", path: "sys/storage/raft/autopilot/state"}, &state); err != nil {
		return paas.Quorum{}, err
	}
	for id, s := range state.Servers {
		one := paas.QuorumServer{
			Name: cmp.Or(s.Name, id), Address: s.Address, Version: s.Version, Leader: id == state.Leader, Voter: s.Status != "non-voter", Healthy: s.Healthy,
		}
		if one.Leader {
			quorum.Leader = one.Name
		}
		quorum.Servers = append(quorum.Servers, one)
	}
	slices.SortFunc(quorum.Servers, func(a, b paas.QuorumServer) int { return strings.Compare(a.Name, b.Name) })
	var all sync.WaitGroup
	for i := range quorum.Servers {
		all.Go(func() { c.askPeer(ctx, &quorum.Servers[i]) })
	}
	all.Wait()
	return quorum, ctx.Err()
}

// askPeer asks one server whether it is sealed: the others only see that they don't hear of it. Its API is taken to be at
// the same port as that of the one we speak to.
func (c *Client) askPeer(ctx context.Context, s *paas.QuorumServer) {
	u, err := url.Parse(c.cfg.Addr)
	if err != nil {
		return // New has parsed it
	}
	host, _, err := net.SplitHostPort(s.Address) // of raft
	if err != nil {
		host = s.Address
	}
	u.Host, u.User = net.JoinHostPort(host, cmp.Or(u.Port(), "8200")), nil
	peer, err := c.api.Clone()
	if err == nil {
		peer.ClearToken() // one of the environment's; nothing of it is needed
		err = peer.SetAddress(u.String())
	}
	if err == nil {
		callCtx, cancel := context.WithTimeout(ctx, peerTimeout)
		defer cancel()
		seal, asked := peer.Sys().SealStatusWithContext(callCtx)
		if err = asked; err == nil {
			s.Sealed, s.Version = seal.Sealed, cmp.Or(s.Version, seal.Version)
			return
		}
	}
	s.Reason = "It does not answer at " + u.String() + "."
}

// skew is by how much Vault's clock is before or behind ours, at the least: it tells whole seconds.
func (c *Client) skew(ctx context.Context) (*time.Duration, error) {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	began := time.Now()
	health, err := c.api.Sys().HealthWithContext(callCtx)
	if err != nil {
		return nil, c.fail(ctx, err, "ask Vault for its health")
	}
	at, skew := time.Unix(health.ServerTimeUTC, 0), time.Duration(0)
	if late := time.Until(at); late > 0 {
		skew = late
	} else if early := at.Add(time.Second).Sub(began); early < 0 {
		skew = early
	}
	return &skew, nil
}
