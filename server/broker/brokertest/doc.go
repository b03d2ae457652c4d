// Package brokertest is a service broker for tests, made to misbehave. It answers each request of the Open
// Service Broker API with what the test has scripted for it, and keeps what it was asked.
//
//	b := brokertest.New()
//	b.On(brokertest.Provision, brokertest.JSON(202, `{"operation":"task_1"}`), brokertest.Hang())
//	server := httptest.NewServer(b)
//
// The answers of a request are given in their order, the last of them for ever after. A request without a
// script gets 501, so that a test never passes on an answer that it did not ask for.
//
// Invariant: knows nothing of package broker, so that a mistake there is not repeated here.
package brokertest
