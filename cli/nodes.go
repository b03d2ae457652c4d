package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newNodesCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the machines that run instances",
		Long:  `Lists Nomad's client nodes, with how many instances of apps are on each.`,
		Example: `  crumpet nodes
  crumpet nodes --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			var rows [][]string
			for _, n := range list.Items {
				rows = append(rows, []string{n.Name, short(n.ID), s.tone(string(n.Status)), placing(n), fmt.Sprint(n.Instances), n.Datacenter, n.Pool})
			}
			s.table(s.out, []string{"NODE", "ID", "STATUS", "PLACING", "INSTANCES", "DATACENTER", "POOL"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// placing says whether new instances come to a node, or where it is on its way to be empty.
func placing(n paas.NodeView) string {
	switch {
	case n.Drain != nil:
		return string(n.Drain.State)
	case n.Draining:
		return string(paas.DrainDraining)
	case !n.Eligible:
		return "ineligible"
	}
	return "eligible"
}

func newNodeCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Look after one machine",
	}
	add(cmd, "", newNodeDrainCmd(s), newNodeUndrainCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newNodeDrainCmd(s *session) *cobra.Command {
	var undo, detach bool
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "Empty a machine without costing a request",
		Long: `Takes every instance off a node, so that it can be worked on: the node takes no new instances, apps
that would have no healthy instance left walk to their other slot first, then Nomad moves the rest. A
plain "nomad node drain" has a gap for apps with one instance.

An app that no other node has room for stays, and is not told to walk: the drain says so, and goes on by
itself when there is one. It goes on if this command is left, too. --undo lets the node take instances
again, whenever.`,
		Example: `  crumpet node drain node-2
  crumpet node drain node-2 --undo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if undo {
				return s.undoDrain(cmd.Context(), args[0])
			}
			return s.drainNode(cmd.Context(), args[0], detach)
		},
		ValidArgsFunction: s.completeNode,
	}
	cmd.Flags().BoolVar(&undo, "undo", false, "let the node take instances again")
	detachFlag(cmd, &detach)
	exclusive(cmd, "undo", "detach")
	return cmd
}

func newNodeUndrainCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:               "undrain NODE",
		Short:             "Let a drained machine take instances again",
		Long:              "Ends a drain, whether it is done or under way: the same as `crumpet node drain NODE --undo`.",
		Example:           `  crumpet node undrain node-2`,
		Args:              cobra.ExactArgs(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return s.undoDrain(cmd.Context(), args[0]) },
		ValidArgsFunction: s.completeNode,
	}
}

func (s *session) completeNode(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return s.nodeNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
}

func (s *session) nodeNames(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, err := s.client()
	if err != nil {
		return nil
	}
	list, err := c.Nodes(ctx)
	if err != nil {
		return nil
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, n.Name+"\t"+string(n.Status))
	}
	return names
}

func (s *session) undoDrain(ctx context.Context, node string) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	view, err := c.UndoDrain(ctx, node)
	if err != nil {
		return err
	}
	s.print("Node %s takes instances again.", view.Name)
	return nil
}

// drainNode asks for the drain and shows how far it is until it is done.
func (s *session) drainNode(ctx context.Context, node string, detach bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	view, err := c.DrainNode(ctx, node)
	if err != nil {
		return err
	}
	if detach {
		s.print("Node %s is being emptied. `crumpet nodes` shows how far it is.", view.Name)
		return nil
	}
	left := func(err error) error {
		s.say("The drain goes on without this command. `crumpet nodes` shows how far it is, `crumpet node drain %s --undo` ends it.", view.Name)
		return &saidError{err}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	shown := ""
	for {
		d := view.Drain
		switch {
		case d == nil:
			s.say("Somebody has ended the drain of node %s.", view.Name)
			return &saidError{errors.New("drain ended")}
		case d.State == paas.DrainDone:
			s.print("Node %s is empty. `crumpet node drain %s --undo` lets it take instances again.", view.Name, view.Name)
			return nil
		}
		if line := drainLine(*d); line != shown {
			s.print("%s", line)
			shown = line
		}
		select {
		case <-ctx.Done():
			return left(errors.New("interrupted"))
		case <-tick.C:
		}
		next, err := c.Node(ctx, view.ID) // by id: two nodes may come to have one name
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.say("%s", sentenceOf(err))
			return left(err)
		default:
			view = next
		}
	}
}

func drainLine(d paas.Drain) string {
	words := map[paas.DrainState]string{paas.DrainLeaving: "Apps leave " + d.Node, paas.DrainDraining: "Nomad drains " + d.Node}
	if d.Reason == "" {
		return words[d.State]
	}
	return words[d.State] + ": " + d.Reason
}
