// Package broker is the adapter to service brokers: the platform side of the Open Service Broker API
// 2.17. It turns a wish of package paas into one HTTP request, and the answer into a result or into a
// paas.Error that names the broker, the request and the next step:
//
//	Catalog                                GET    /v2/catalog
//	Provision, Update, Deprovision         PUT, PATCH, DELETE /v2/service_instances/ID
//	Instance, LastOperation                GET    ..., .../last_operation
//	Bind, Unbind, Binding, LastBindingOperation   the same below .../service_bindings/ID
//
// What was said no to, left open or cut off is a paas.BrokerFailure in the error's chain. What follows
// from it (delete an orphan, poll, try again) is decided in package paas, where use cases reach it:
// paas.Orphaned, Poll.Next, BrokerTry.Again.
//
// A broker is a stranger's program. Each call ends within 60 s, reads 1 MiB at most (8 MiB of a catalog),
// follows no redirect, and takes nothing of an answer that is not what the specification says. A catalog is
// taken whole or refused with every fault in it. Schemas of parameters are compiled here and never fetched.
//
// Codes: invalid (400, 422, a catalog with faults), not_found (404), conflict (409, 422 of concurrency or
// of a changed catalog), unavailable (all else, silence included).
//
// Invariant: stateless; nothing is tried twice here. Neither passwords nor credentials, parameters or a
// body appear in an error: of an answer only its error word and its description, bounded and cleaned.
package broker
