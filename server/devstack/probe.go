package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// loopback asks agents of this machine; no proxy of the environment comes between.
var loopback = &http.Client{Transport: &http.Transport{}}

// getJSON reads an answer of 200 into v, or drops it when v is nil.
func getJSON(ctx context.Context, url string, v any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return answerJSON(request, v)
}

func answerJSON(request *http.Request, v any) error {
	response, err := loopback.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		return fmt.Errorf("%s answers %d %s", request.URL.Path, response.StatusCode, text)
	}
	if v == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(v)
}

func consulReady(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		var leader string
		if err := getJSON(ctx, addr+"/v1/status/leader", &leader); err != nil {
			return err
		}
		if leader == "" {
			return errors.New("consul has no leader")
		}
		return nil
	}
}

// nomadReady waits for the node: without one nothing can be placed.
func nomadReady(addr, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		var nodes []struct{ Name, Status string }
		if err := getJSON(ctx, addr+"/v1/nodes", &nodes); err != nil {
			return err
		}
		for _, n := range nodes {
			if n.Name == name && n.Status == "ready" {
				return nil
			}
		}
		return fmt.Errorf("nomad has no ready node %s", name)
	}
}

// errStuck is a probe's answer for a child that would get ready only much later, if at all: it is started
// again instead.
var errStuck = errors.New("stuck at its start")

// registersWithin is what a real Nomad client gets to register once there is a leader.
const registersWithin = 2 * time.Second

// realNomadReady waits until the client of this very start has registered, too: a restarted server knows the node
// as ready from before. A client that asks between the election and the loading of the keyring is refused, gives up its
// identity and asks again after 15 to 30 s only; a new start takes two.
func realNomadReady(addr, name string) func(context.Context) error {
	nodeReady := nomadReady(addr, name)
	var leading time.Time // since when this start has a leader
	tries := 0
	return func(ctx context.Context) error {
		var leader string
		if err := getJSON(ctx, addr+"/v1/status/leader", &leader); err != nil {
			leading = time.Time{}
			return err
		}
		var self struct {
			Stats struct{ Client map[string]string } `json:"stats"`
		}
		if err := getJSON(ctx, addr+"/v1/agent/self", &self); err != nil {
			return err
		}
		if ttl := self.Stats.Client["heartbeat_ttl"]; ttl != "" && ttl != "0s" {
			leading, tries = time.Time{}, 0
			return nodeReady(ctx)
		}
		if leading.IsZero() {
			leading = time.Now()
		}
		if time.Since(leading) > registersWithin && tries < 2 {
			leading, tries = time.Time{}, tries+1
			return fmt.Errorf("nomad's client has not registered: %w", errStuck)
		}
		return errors.New("nomad's client has not registered")
	}
}

// routerReady waits for the first table too: only then the proxy listens.
func routerReady(admin, listen string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := getJSON(ctx, admin+"/health", nil); err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listen)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func httpReady(url string) func(context.Context) error {
	return func(ctx context.Context) error { return getJSON(ctx, url, nil) }
}
