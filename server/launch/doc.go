// Package launch makes an app of a template, by the way that a push takes:
//
//	template --Render--> files --> blobs, build      launch.go, in the call
//	         build done --> deploy --> release       run.go, on the leader
//
// The wish stands in the store from the call on. A server that is killed in between leaves it there, and the
// next leader goes on with it; what can't be done is written into it, and told of.
//
// Invariant: an app that is there already is never released by a launch.
package launch
