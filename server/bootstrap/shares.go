package bootstrap

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Share is a part of the key that unseals Vault, or of the one that recovers it, sealed to one keeper alone.
type Share struct {
	Keeper string `json:"keeper"`
	Sealed []byte `json:"sealed"`
}

// sealShares gives each share to one keeper, in turn, and says to whom.
func (w *World) sealShares(shares []string) (string, error) {
	keepers := w.Fleet.Keepers
	if len(keepers) == 0 {
		return "", paas.Errorf(paas.Invalid, "There is no keeper who could take a share of Vault's key.")
	}
	var all []Share
	has := map[string]int{}
	for i, share := range shares {
		keeper := keepers[i%len(keepers)]
		text, err := w.Seal(keeper, []byte(share))
		if err != nil {
			return "", err
		}
		all = append(all, Share{Keeper: keeper.Name, Sealed: text})
		has[keeper.Name]++
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(has)) {
		said = append(said, fmt.Sprintf("%d to %s", has[name], name))
	}
	w.Say("%d shares of Vault's key were sealed: %s", len(all), strings.Join(said, ", "))
	return string(text), nil
}

// Shares are those that are kept; none where Vault unseals itself.
func (w *World) Shares() ([]Share, error) {
	text := w.Kept.Get(KeptShares)
	if text == "" {
		return nil, nil
	}
	var all []Share
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The shares in the cluster's state can't be read.")
	}
	return all, nil
}

// Unsealed is how far an unsealing came.
type Unsealed struct {
	Mine     int               // shares that could be opened
	Machines map[string]string // by machine: "open", "opened", or what is missing
}

// Unseal brings the shares that open can open to every server that is sealed. Whoever keeps fewer than are needed
// begins, and the next keeper goes on: Vault remembers the shares that it got until it restarts. Codes: not_found, where
// none of the shares can be opened; unavailable.
func Unseal(ctx context.Context, w *World, open func(sealed []byte) ([]byte, error)) (Unsealed, error) {
	shares, err := w.Shares()
	if err != nil {
		return Unsealed{}, err
	}
	if len(shares) == 0 {
		return Unsealed{}, paas.Errorf(paas.NotFound, "There are no shares in the state of cluster %s: its Vault unseals itself, or holds nothing yet.", w.Fleet.Name)
	}
	mine, owners := opened(shares, open)
	if len(mine) == 0 {
		slices.Sort(owners)
		return Unsealed{}, paas.Errorf(paas.NotFound, "None of the shares is sealed to this identity. They are of %s.", strings.Join(slices.Compact(owners), ", "))
	}
	done := Unsealed{Mine: len(mine), Machines: map[string]string{}}
	var failed error
	states := w.seals(ctx)
	for _, name := range inOrder(states) {
		switch state := states[name]; {
		case state.err != nil:
			failed, done.Machines[name] = state.err, "does not answer"
		case state.open():
			done.Machines[name] = "open"
		case !state.Initialized && !anyOpen(done.Machines):
			done.Machines[name] = "waits for one that is open"
		default:
			after, err := w.bring(ctx, name, mine)
			switch {
			case err != nil:
				failed, done.Machines[name] = err, "refused"
			case after.open():
				done.Machines[name] = "opened"
			default:
				done.Machines[name] = fmt.Sprintf("sealed, %d of %d shares are there", after.Progress, w.Fleet.Seal.Threshold)
			}
		}
	}
	return done, failed
}

// opened gives the shares that open can open, and the keepers of all.
func opened(shares []Share, open func(sealed []byte) ([]byte, error)) (mine, owners []string) {
	for _, share := range shares {
		owners = append(owners, share.Keeper)
		if plain, err := open(share.Sealed); err == nil { // one of another keeper's is no failure
			mine = append(mine, string(plain))
		}
	}
	return mine, owners
}

// inOrder are the servers that have a key, and then those that get it from one that is open.
func inOrder(states map[string]sealState) []string {
	names := slices.Sorted(maps.Keys(states))
	slices.SortStableFunc(names, func(a, b string) int { return b2i(!states[a].Initialized) - b2i(!states[b].Initialized) })
	return names
}

func anyOpen(machines map[string]string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(machines)), func(said string) bool { return strings.HasPrefix(said, "open") })
}

// joinLimit is how long a server may take to find the others and to be told what they share.
const joinLimit = 2 * time.Minute

// bring has one server take shares until it is open or there are no more.
func (w *World) bring(ctx context.Context, machine string, shares []string) (s sealState, err error) {
	// A server that has not joined yet takes none.
	err = Until(ctx, joinLimit, func(ctx context.Context) error {
		switch s = w.seal(ctx, machine); {
		case s.err != nil:
			return s.err
		case !s.Initialized:
			return paas.Errorf(paas.Unavailable, "Vault on %s has not joined the others yet.", machine)
		}
		return nil
	})
	for _, share := range shares {
		if err != nil || s.open() {
			break
		}
		err = w.Send(ctx, Request{
			Machine: machine, Program: fleet.Vault, Method: http.MethodPut, Path: "/v1/sys/unseal", NoToken: true,
			In: map[string]string{"key": share}, Out: &s,
		})
		if err == nil && !s.open() && s.Progress == 0 {
			// That was the last one it wanted. One that joins opens a while after its answer.
			err = Until(ctx, joinLimit, func(ctx context.Context) error {
				if s = w.seal(ctx, machine); s.err == nil && !s.open() {
					return w.sealed(machine)
				}
				return s.err
			})
		}
	}
	return s, err
}

// made is the answer to init.
type made struct {
	Keys     []string `json:"keys_base64"`
	Recovery []string `json:"recovery_keys_base64"`
	Root     string   `json:"root_token"`
}

func (m made) check() error {
	for _, key := range slices.Concat(m.Keys, m.Recovery) {
		if _, err := base64.StdEncoding.DecodeString(key); err != nil {
			return paas.Errorf(paas.Internal, "Vault gave a share that is not base64.")
		}
	}
	if m.Root == "" || len(m.Keys)+len(m.Recovery) == 0 {
		return paas.Errorf(paas.Internal, "Vault was initialized and gave no keys.")
	}
	return nil
}
