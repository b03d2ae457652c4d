// Package hub wakes readers inside one process. A wake-up carries nothing: whoever is woken reads the
// store, so a lost or doubled one does no harm and a slow reader holds nobody up.
//
//	store (after a commit) --Notify--> hub --one signal at most--> every subscriber
//
// Invariant: no channel here ever blocks its sender.
package hub
