package wire

import "time"

// How a page signs somebody in. All three ways end with the cookie __Host-crumpet, which no script can
// read; who has signed in is then told by GET /v1/self.
//
//	GET  /v1/login                       what the page offers: LoginMethods
//	POST /v1/login          {user, password}                       -> SignedIn, and the cookie
//	a link to GET /v1/login/oidc/NAME?then=/apps   (a navigation, not fetch)
//	     -> the provider -> .../callback -> the cookie, and on to `then`
//	     refused: the browser goes to /login?refused=WORD&provider=NAME, see the Refused words
//	POST /v1/logout                                                -> SignedOut; the cookie is taken away
//
// Every call with the cookie that is not GET or HEAD must carry the header X-Crumpet-Session: 1, and come
// from our own pages; POST /v1/login must carry it as well.
//
// `crumpet login ADDR` opens the page /login/cli?challenge=C&state=S&host=NAME&redirect=http://127.0.0.1:PORT/done
// (with --no-browser there is no redirect). The page asks whoever has signed in (else it signs them in, and
// comes back) "Let the CLI on NAME act as you?" and
//
//	yes: POST /v1/login/cli {challenge, state, redirect} -> AgreedCLI.
//	     With a redirect the page goes to AgreedCLI.redirect by location.replace. Without one it shows
//	     AgreedCLI.code to copy, with a warning to give it to nobody who asks for it.
//	no:  with a redirect the page goes to REDIRECT?error=denied&state=S

// LoginMethods is what the page of signing in offers. A local user can always sign in with a password.
type LoginMethods struct {
	Providers []LoginProvider `json:"providers" doc:"OIDC providers, by name."`
}

// LoginProvider is an OIDC provider that people come from.
type LoginProvider struct {
	Name string `json:"name"`
	Path string `json:"path" doc:"Where a browser begins; ?then=/PATH is where it ends."`
}

// Password is the password of a person, or a code that stands for one. It is plain text in JSON only: logs
// and messages don't show it.
type Password = Value

// Login asks for a session.
type Login struct {
	User     string   `json:"user" maxLength:"64" doc:"Name of a local user."`
	Password Password `json:"password" maxLength:"1024"`
}

// SignedIn says who has a session now. The session itself is in the cookie only.
type SignedIn struct {
	User      string    `json:"user"`
	ExpiresAt time.Time `json:"expires_at" doc:"Whatever happens; without a call it ends earlier."`
}

// SignedOut says what a sign-out has ended: what the call came with.
type SignedOut struct {
	Ended string `json:"ended" enum:"session,token,nothing" doc:"Nothing is ended of an operator's token: those are revoked by name."`
}

// Words of /login?refused=WORD: why a sign-in through a provider came to nothing.
const (
	RefusedExpired     = "expired"     // begun too long ago, elsewhere or not at all, or finished before: begin again
	RefusedDenied      = "denied"      // by the person, or by the provider
	RefusedProvider    = "provider"    // it answered what can't be believed: the server's log says what
	RefusedUnavailable = "unavailable" // it does not answer
	RefusedDisabled    = "disabled"    // an admin has disabled the user
	RefusedLimited     = "limited"     // too many sign-ins: wait
	RefusedFailed      = "failed"      // our fault
)

// AgreeCLI lets a CLI act as whoever is signed in.
type AgreeCLI struct {
	Challenge string `json:"challenge" minLength:"43" maxLength:"43" pattern:"^[A-Za-z0-9_-]+$" doc:"SHA-256 of the CLI's verifier, base64url: PKCE's S256."`
	State     string `json:"state,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9_-]*$" doc:"What the CLI knows its own sign-in by."`
	Redirect  string `json:"redirect,omitempty" maxLength:"64" doc:"Where the CLI listens: http://127.0.0.1:PORT/done or http://[::1]:PORT/done, nothing else."`
}

// AgreedCLI is the code that a CLI redeems, once and within two minutes.
type AgreedCLI struct {
	Code      string    `json:"code"`
	Redirect  string    `json:"redirect,omitempty" doc:"Where the page goes: the CLI's redirect with code and state."`
	ExpiresAt time.Time `json:"expires_at"`
}

// RedeemCLI asks for the token that somebody has agreed to.
type RedeemCLI struct {
	Code     Password `json:"code" maxLength:"128"`
	Verifier Password `json:"verifier" minLength:"43" maxLength:"128" pattern:"^[A-Za-z0-9._~-]+$" doc:"What the challenge was made of."`
	Name     string   `json:"name" minLength:"1" maxLength:"64" doc:"Of the token, such as \"cli HOSTNAME\"."`
}

// RedeemedCLI is a personal token, shown this once.
type RedeemedCLI struct {
	Token     Password  `json:"token"`
	ID        string    `json:"id" doc:"To revoke it by."`
	User      string    `json:"user"`
	ExpiresAt time.Time `json:"expires_at"`
}

// ChangePassword changes the password of whoever calls, and ends that one's other sessions.
type ChangePassword struct {
	Old Password `json:"old" maxLength:"1024"`
	New Password `json:"new" maxLength:"1024" doc:"At least 12 characters."`
}

// ChangedPassword says whose password is another now.
type ChangedPassword struct {
	User string `json:"user"`
}
