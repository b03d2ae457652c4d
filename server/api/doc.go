// Package api is Crumpet's HTTP API: it turns requests into calls of the use cases, and what they
// give into the bodies of package wire.
//
// A request goes, in this order, through: request id, recovery, access log and metrics, bearer
// check, routing, decoding, handler. The bearer check comes before routing, so that whoever has no
// token learns nothing of what exists; every error after it is problem+json with the request's id.
//
//	routes.go    every route, in one table
//	errors.go    every paas.Code to its HTTP status, once
//	status.go    a paas.Snapshot to the one word for an app and its reason, pure
//	NOUN.go      the handlers of one noun: decode, call, encode
//
// Most routes are typed operations of huma, which checks input against the types and writes the
// OpenAPI document from them. What streams (uploads, artifacts, events, logs) is a plain Echo route
// with an operation written by hand. A test holds the table, the document and package client's
// methods against each other.
//
// Invariant: Echo and huma are imported here and nowhere else. The use cases are reached through the
// interfaces in ports.go only.
package api
