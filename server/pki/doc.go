// Package pki makes a fleet's own certificates.
//
//	NewAuthority       -> Authority, kept as text: certificate and key in PEM
//	Authority + Leaf   -> Issue -> certificate and key in PEM
//	certificate + Leaf -> Fault: why it has to be made anew, "" where it is as wished
//
// Keys are ECDSA P-256: all agents take them, and they are short. A leaf lives a year and is made anew when less
// than a third of that is left; the authority lives for ten.
//
// Invariant: pure but for crypto/rand; the time is given, and no key leaves it but as a result.
package pki
