package ssh

import "time"

// Hurry makes the beats of locks, and the wait for their answers, so many times as short.
func (n *Network) Hurry(times int) { n.hurry = time.Duration(times) }
