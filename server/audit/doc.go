// Package audit turns calls of the API into the lines that say who did, or tried to do, what to which thing from
// where.
//
//	call that changed something  -> one line, at once
//	call that was turned down    -> the first line at once; the same within a minute are counted, and one line
//	                                more says how many they were
//
// A caller whose calls are turned down can't fill the database with that: each source has so many kinds of line a
// minute, all sources together have so many, and what goes beyond is one line a minute. What was only counted when
// the server is killed is lost; the first of each kind is not.
//
// Invariant: lines are added and never changed (the database refuses it), and none holds a control character, a
// value of a configuration or a credential.
package audit
