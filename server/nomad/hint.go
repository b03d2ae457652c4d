package nomad

import (
	"context"
	"errors"

	nomadapi "github.com/hashicorp/nomad/api"
)

// errStreamEnded is the end of an event stream that Nomad closed: it does so to readers that are too
// slow, and when it stops.
var errStreamEnded = errors.New("nomad ended the event stream")

// Hints follows Nomad's event stream and calls hear with the topic and the index of what happened, until
// the stream ends; the error says why. It says nothing about what was missed meanwhile.
func (c *Client) Hints(ctx context.Context, hear func(topic nomadapi.Topic, index uint64)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	topics := map[nomadapi.Topic][]string{
		nomadapi.TopicAllocation: {"*"}, nomadapi.TopicEvaluation: {"*"}, nomadapi.TopicNode: {"*"},
	}
	q := &nomadapi.QueryOptions{Namespace: nomadapi.AllNamespacesNamespace}
	stream, err := c.api.EventStream().Stream(ctx, topics, 0, q.WithContext(ctx))
	if err != nil {
		return c.fail(ctx, err, "follow events")
	}
	for batch := range stream {
		if batch.Err != nil {
			return c.fail(ctx, batch.Err, "follow events")
		}
		for _, e := range batch.Events {
			hear(e.Topic, max(e.Index, batch.Index))
		}
	}
	return c.fail(ctx, errStreamEnded, "follow events")
}
