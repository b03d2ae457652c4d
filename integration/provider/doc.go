// Package provider is an OIDC provider on loopback, for tests: zitadel/oidc with one client, which lets its
// users in without asking. A test can have it misbehave: what it answers goes through Twist, and is signed again
// with its own key.
//
//	/authorize --> /login/username --> back to the client with a code --> /oauth/token, /userinfo
//
// Invariant: but for what a test twists, it is zitadel's code that checks PKCE, codes, redirects and secrets.
package provider
