// Package route turns paas.Route into the language of the router, Fabio: "urlprefix-" tags of Consul
// services, and the rule that is one KV key for each app.
//
//	paas.Route --Tags--> urlprefix-HOST/PATH        ParseTag reads it back as Fabio does
//	[]Rule --Render--> route del|weight lines       Parse reads them back as Fabio does
//	app, version --Render--> the fence, last line   FenceOf finds it in a route table
//
// A fence is a route to nowhere that carries the version of its rule: a router in whose table the
// version stands has read the whole rule, which nothing else would show of a "route del".
//
// One line that Fabio can't read freezes the table of every app, so rules are rendered from typed
// values only, and Render parses what it wrote before it hands it out.
//
// Invariant: pure. A rule names services of its own app only.
package route
