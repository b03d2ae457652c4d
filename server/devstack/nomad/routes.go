package nomad

import (
	"fmt"
	"net/http"
)

// routes lists what is served. Doc.go has the same list for readers.
func (s *Server) routes() {
	s.mux = http.NewServeMux()
	get := func(path string, h http.HandlerFunc) { s.mux.HandleFunc("GET "+path, h) }
	put := func(path string, h http.HandlerFunc) {
		s.mux.HandleFunc("PUT "+path, h)
		s.mux.HandleFunc("POST "+path, h)
	}

	get("/v1/jobs", s.read(s.listJobs))
	put("/v1/jobs", s.write(s.registerJob))
	put("/v1/validate/job", s.write(s.validateJob))
	get("/v1/job/{id}", s.read(s.getJob))
	put("/v1/job/{id}", s.write(s.registerJob))
	s.mux.HandleFunc("DELETE /v1/job/{id}", s.write(s.deregisterJob))
	get("/v1/job/{id}/versions", s.read(s.jobVersions))
	get("/v1/job/{id}/allocations", s.read(s.jobAllocs))
	get("/v1/job/{id}/evaluations", s.read(s.jobEvals))
	get("/v1/job/{id}/summary", s.read(s.jobSummary))
	get("/v1/job/{id}/deployments", s.read(s.jobDeployments))
	get("/v1/job/{id}/deployment", s.read(s.jobDeployment))
	put("/v1/job/{id}/plan", s.write(s.planJob))
	put("/v1/job/{id}/evaluate", s.write(s.evaluateJob))
	put("/v1/job/{id}/periodic/force", s.write(s.forcePeriodic))
	get("/v1/job/{id}/scale", s.read(s.scaleStatus))
	put("/v1/job/{id}/scale", s.write(s.scaleJob))

	get("/v1/evaluations", s.read(s.listEvals))
	get("/v1/evaluation/{id}", s.read(s.getEval))
	get("/v1/evaluation/{id}/allocations", s.read(s.evalAllocs))

	get("/v1/allocations", s.read(s.listAllocs))
	get("/v1/allocation/{id}", s.read(s.getAlloc))
	put("/v1/allocation/{id}/stop", s.write(s.stopAlloc))
	put("/v1/client/allocation/{id}/restart", s.write(s.restartAlloc))
	put("/v1/client/allocation/{id}/signal", s.write(s.signalAlloc))

	get("/v1/client/allocation/{id}/exec", s.execAlloc)
	get("/v1/client/allocation/{id}/stats", s.allocStats)

	get("/v1/nodes", s.read(s.listNodes))
	get("/v1/node/{id}", s.read(s.getNode))
	get("/v1/node/{id}/allocations", s.read(s.nodeAllocs))
	put("/v1/node/{id}/drain", s.write(s.drainNode))
	put("/v1/node/{id}/eligibility", s.write(s.setEligibility))

	get("/v1/deployments", s.read(s.listDeployments))
	get("/v1/namespaces", s.read(s.listNamespaces))
	get("/v1/namespace/{name}", s.read(s.getNamespace))
	put("/v1/namespace", s.write(s.putNamespace))
	put("/v1/namespace/{name}", s.write(s.putNamespace))

	get("/v1/vars", s.read(s.listVariables))
	get("/v1/var/{path...}", s.read(s.getVariable))
	put("/v1/var/{path...}", s.putVariable)
	s.mux.HandleFunc("DELETE /v1/var/{path...}", s.deleteVariable)
	get("/v1/volumes", s.read(s.listVolumes))
	get("/v1/volume/host/{id}", s.read(s.getVolume))
	put("/v1/volume/host/create", s.write(s.createVolume))
	put("/v1/volume/host/register", s.write(s.registerVolume))
	s.mux.HandleFunc("DELETE /v1/volume/host/{id}", s.write(s.deleteVolume))

	get("/v1/event/stream", s.streamEvents)

	get("/v1/client/fs/logs/{id}", s.streamLogs)
	get("/v1/client/fs/ls/{id}", s.listFiles)
	get("/v1/client/fs/stat/{id}", s.statFile)
	get("/v1/client/fs/cat/{id}", s.catFile)
	get("/v1/client/fs/readat/{id}", s.readFileAt)
	get("/v1/client/fs/stream/{id}", s.streamFile)

	// Not Nomad's: how the processes of further clients reach the server.
	put("/v1/devstack/client", s.attach)
	get("/v1/devstack/client/{name}", s.attached)

	get("/.well-known/jwks.json", s.jwks)
	get("/v1/agent/self", s.agentSelf)
	get("/v1/agent/health", s.agentHealth)
	get("/v1/agent/members", s.agentMembers)
	get("/v1/status/leader", s.leader)
	get("/v1/status/peers", s.peers)
	get("/v1/regions", s.regions)
	get("/v1/operator/autopilot/health", s.autopilotHealth)
	get("/v1/operator/scheduler/configuration", s.read(s.schedulerConfig))
	put("/v1/system/gc", s.write(s.systemGC))

	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, fail(http.StatusNotImplemented, "%s", fmt.Sprintf("the embedded Nomad does not serve %s %s", r.Method, r.URL.Path)))
	})
}
