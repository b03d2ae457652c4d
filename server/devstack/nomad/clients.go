package nomad

import (
	"context"
	"io"
	"net/http"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// heartbeatGrace is how long a node may be silent before it is down. Real Nomad's defaults make that 20 to 30 s;
// `crumpet dev` asks it for 7 to 10.
const heartbeatGrace = 8 * time.Second

// ClientSpec is a further client: a node of its own, which lives as long as the process that attached it.
type ClientSpec struct {
	Name    string
	MinPort int
	MaxPort int
	Grace   time.Duration // before the node is down; default 8 s
}

// presence is what the server knows of the life of one further client.
type presence struct {
	here  bool
	left  time.Time // when it went, if it is not here
	grace time.Duration
	over  chan struct{} // closed when its runners have ended
}

// attach runs a further client for as long as its process keeps the request open. When that process dies, this
// client's runners end at once and without a word: its tasks live on, nobody restarts or stops them, and the server
// hears no heartbeat. A real client that is killed leaves the same behind.
func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	var spec ClientSpec
	if err := decode(r, &spec); err != nil {
		s.refuse(w, err)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil { // only then the end of the connection is seen
		return
	}
	if spec.Name == "" || spec.Name == s.cfg.Name || spec.MinPort <= 0 || spec.MaxPort < spec.MinPort {
		s.refuse(w, fail(http.StatusBadRequest, "a further client needs a name and ports of its own"))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	p, err := s.arrive(ctx, spec)
	if err != nil {
		s.refuse(w, err)
		return
	}
	defer s.depart(p)
	id, err := s.join(spec)
	if err != nil {
		s.refuse(w, err)
		return
	}
	if http.NewResponseController(w).Flush() != nil { // the headers tell that the node is ready
		return
	}
	go func() { // ends with the request
		select {
		case <-s.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	s.client(ctx, id)
}

// arrive waits for the end of the same client's former life.
func (s *Server) arrive(ctx context.Context, spec ClientSpec) (*presence, error) {
	p := &presence{here: true, grace: orDefault(spec.Grace, heartbeatGrace), over: make(chan struct{})}
	for {
		s.mu.Lock()
		before := s.present[spec.Name]
		if s.closing {
			s.mu.Unlock()
			return nil, fail(http.StatusServiceUnavailable, "this Nomad ends")
		}
		if before == nil || !before.here {
			s.present[spec.Name] = p
			s.further.Add(1)
			s.mu.Unlock()
			return p, nil
		}
		s.mu.Unlock()
		select {
		case <-before.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Server) depart(p *presence) {
	s.mu.Lock()
	p.here, p.left = false, time.Now()
	s.mu.Unlock()
	close(p.over)
	s.further.Done()
	select {
	case s.departed <- struct{}{}:
	default:
	}
}

// join puts the node of a further client in, or back.
func (s *Server) join(spec ClientSpec) (id string, err error) {
	cfg := s.cfg
	cfg.Name, cfg.DynamicPortMin, cfg.DynamicPortMax = spec.Name, spec.MinPort, spec.MaxPort
	_, err = s.update("NodeRegistration", func(tx *state.Tx) error {
		old := furtherNode(&tx.View, s.node, spec.Name)
		n := cfg.node(tx, old)
		if old != nil && old.Status == nomadapi.NodeStatusDown {
			n = withNodeEvent(n, tx.Index(), "Cluster", "Node reregistered by heartbeat")
			evaluateNode(tx, n)
		}
		tx.PutNode(n)
		unblock(tx)
		id = n.ID
		return nil
	})
	return id, err
}

func furtherNode(v *state.View, own, name string) *nomadapi.Node {
	for _, n := range v.Nodes() {
		if n.ID != own && n.Name == name {
			return n
		}
	}
	return nil
}

// reachable tells whether the client of a node can be asked.
func (s *Server) reachable(node string) bool {
	if node == s.node {
		return true
	}
	name := ""
	s.state.View(func(v *state.View) {
		if n := v.Node(node); n != nil {
			name = n.Name
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.present[name]
	return p != nil && p.here
}

// attached answers the supervisor's question whether a further client runs.
func (s *Server) attached(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.present[r.PathValue("name")]
	here := p != nil && p.here
	s.mu.Unlock()
	if !here {
		s.refuse(w, notFound("client"))
		return
	}
	s.reply(w, map[string]bool{"attached": true})
}

// heartbeats calls a node down when its client has been away for too long.
func (s *Server) heartbeats(ctx context.Context) {
	began := time.Now() // a client that was here before a restart gets time to come back
	for {
		wait := time.Hour
		for _, n := range s.awaited() {
			due := began.Add(heartbeatGrace)
			s.mu.Lock()
			p := s.present[n.Name]
			if p != nil {
				due = p.left.Add(p.grace)
			}
			here := p != nil && p.here
			s.mu.Unlock()
			if here {
				continue
			}
			if left := time.Until(due); left > 0 {
				wait = min(wait, left)
			} else if err := s.down(n.ID); err != nil {
				s.log.Error("node not called down", "node", n.ID, "err", err)
				wait = time.Second
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.departed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// awaited are the further nodes that are not down yet.
func (s *Server) awaited() (nodes []*nomadapi.Node) {
	s.state.View(func(v *state.View) {
		for _, n := range v.Nodes() {
			if n.ID != s.node && n.Status != nomadapi.NodeStatusDown {
				nodes = append(nodes, n)
			}
		}
	})
	return nodes
}

// down has the jobs of a node looked at: what ran there is lost.
func (s *Server) down(id string) error {
	_, err := s.update("NodeStreamEvent", func(tx *state.Tx) error {
		n := withNodeEvent(tx.Node(id), tx.Index(), "Cluster", "Node heartbeat missed")
		n.Status, n.StatusUpdatedAt = nomadapi.NodeStatusDown, time.Now().Unix()
		tx.PutNode(n)
		evaluateNode(tx, n)
		return nil
	})
	return err
}

// evaluateNode has each job looked at that has something on a node.
func evaluateNode(tx *state.Tx, n *nomadapi.Node) {
	seen := map[string]bool{}
	for _, a := range tx.Allocs("*") {
		row, key := tx.Job(a.Namespace, a.JobID), state.Key(a.Namespace, a.JobID)
		if a.NodeID != n.ID || row == nil || seen[key] || (a.ServerTerminal() && a.ClientTerminal()) {
			continue
		}
		seen[key] = true
		e := newEval(tx, row.Current(), byNode)
		e.NodeID, e.NodeModifyIndex, e.JobModifyIndex = n.ID, tx.Index(), 0
		tx.PutEval(e)
	}
}
