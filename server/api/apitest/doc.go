// Package apitest is Crumpet's real API over a platform of maps, for the tests of api, client and
// cli: Start gives a server on loopback, whose Platform says what is wished and seen.
//
// A deployment begun here ends at once, as Platform.Fate says. It is no model of the real converger:
// it only has to say the same things in the same shapes.
package apitest
