// Package auth says who makes a call, and what that one may do.
//
//	Authorization header --Check-------> paas.Identity --May(verb, team, app)--> nil, or forbidden
//	cookie of a session  --CheckSession-^                 table of roles, then the token's scope
//
// A token is 32 random bytes behind the prefix crumpet_, so that scanners for leaked secrets can find one; the
// value of a session's cookie is as long. The store knows their SHA-256 only: whoever reads the database can't
// call the API. A token acts for a person or a bot and never may more than that one does at the time of the
// call; an operator's token, such as a server's first, belongs to nobody and may do everything.
//
// Each call asks the store, by one query for the credential, its owner and the owner's teams: nothing positive
// is kept, so that what was revoked counts at once on every server. Open streams are looked at again by Run.
//
// Persons sign in by a password or at an OIDC provider: see Logins. Users are changed by Users.
//
// Invariant: a plain token, the value of a cookie and a password are in no error, log or row.
package auth
