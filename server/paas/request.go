package paas

// DeployRequest asks for an app to run a spec with an artifact.
type DeployRequest struct {
	Team      string
	App       string
	Spec      Spec
	Source    *SpecText // that Spec was read from; nil where it is not at hand
	Artifact  string    // SHA-256 of the artifact, hex
	Runtime   string    // SHA-256 of the artifact that holds crumpet itself; "" unless the spec needs it
	By        string    // name of the token
	Sight     Sight     // of who asks: whose hosts it may be told of
	Force     bool      // walk even if nothing changed
	Supersede bool      // abort a deployment that is under way
	Wait      bool      // queue behind a deployment that is under way
	Config    int       // version of the app's configuration; 0 while it has none

	Commit     string // hash of the source in git, "" when it came from none
	Dirty      bool   // the source had changes that Commit does not hold
	Note       string // what the caller says of the release
	RollbackTo int    // the release whose spec, artifact and configuration these are; 0 for a push
	// Reconfigured says that spec and artifact are those that the app has, with another Config.
	Reconfigured bool
	// Base is the world that the request was planned in: if it moved since, the request is refused.
	// nil for a request that was not planned.
	Base *PlanBase
}

// RollbackRequest asks for an app to run an earlier release again: its spec, its artifact and its
// configuration, as a release of its own.
type RollbackRequest struct {
	Ref       AppRef
	To        int    // 0 for the last one before the one that serves that was healthy
	By        string // name of the token
	Sight     Sight  // as of a DeployRequest
	Note      string
	Supersede bool
	Wait      bool
	Base      *PlanBase
}

// Reconfigure asks for an app to run its newest release with another version of its configuration, as a
// release of its own.
type Reconfigure struct {
	Ref       AppRef
	Config    int    // the version
	By        string // name of the token
	Note      string
	Supersede bool
	Wait      bool
}

// DeployResult is what a wish came to.
type DeployResult struct {
	Release    Release
	Deployment *Deployment // nil if nothing changed
	Changed    bool
}
