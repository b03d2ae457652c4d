// Package meter says what the instances of an app take of their nodes, against what their specs give them.
//
//	paas.Snapshot --which run--> allocations --Nomad, through its servers, from the nodes--> []paas.InstanceUsage
//
// What is measured serves all who ask within two seconds, and no more than a few nodes are asked at the same
// time. A node that does not answer makes its instances unknown, with the reason, and nobody wait.
//
// Invariant: there is one answer for each instance of the snapshot that has not ended.
package meter
