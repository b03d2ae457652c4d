package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// AppState is the one word for how an app is.
type AppState string

// The words, as the CLI and the UI show them.
const (
	AppPending   AppState = "pending"   // nothing serves yet, nothing has failed yet
	AppDeploying AppState = "deploying" // a deployment is under way
	AppRunning   AppState = "running"   // every wanted instance is healthy
	AppDegraded  AppState = "degraded"  // some are
	AppFailing   AppState = "failing"   // none is, though some are wanted
	AppStopped   AppState = "stopped"   // none is wanted
)

// App is one line of the list of apps.
type App struct {
	App       string         `json:"app"`
	Team      string         `json:"team"`
	Status    AppState       `json:"status"`
	Health    paas.AppHealth `json:"health"` // whether it serves, whatever is done to it
	Reason    string         `json:"reason"`
	Release   int            `json:"release"`
	Slot      paas.Slot      `json:"slot"`
	URLs      []string       `json:"urls"`
	CreatedAt time.Time      `json:"created_at"`

	Wanted  int     `json:"wanted"`  // instances of all processes
	Healthy int     `json:"healthy"` // of those wanted, how many serve
	Rate    float64 `json:"rate"`    // requests a second, over the last minute
	Errors  float64 `json:"errors"`  // share of them answered with 5xx, 0 to 1

	// Of the release that serves; left out before the first.
	DeployedAt *time.Time `json:"deployed_at,omitempty"`
	DeployedBy string     `json:"deployed_by,omitempty"`
}

// Apps is a page of apps. Next is the value of ?after= for the page that follows, "" on the last.
type Apps struct {
	Items []App  `json:"items"`
	Next  string `json:"next"`
}

// Status is how an app is, in full.
type Status struct {
	App        string           `json:"app"`
	Team       string           `json:"team"`
	Status     AppState         `json:"status"`
	Health     paas.AppHealth   `json:"health"` // whether it serves, whatever is done to it
	Reason     string           `json:"reason"` // one sentence; "" while all is well
	Release    int              `json:"release"`
	Slot       paas.Slot        `json:"slot"`
	Origin     *Origin          `json:"origin,omitempty"` // of the release that serves
	Processes  []Process        `json:"processes"`
	Instances  []Instance       `json:"instances"`
	Routes     []Route          `json:"routes"`
	Bindings   []paas.Binding   `json:"bindings"`   // credentials of service instances, by name
	Deployment *paas.Deployment `json:"deployment"` // the one under way, else null
}

// Origin says where a release came from.
type Origin struct {
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by"`
	Commit     string    `json:"commit,omitempty"`
	Dirty      bool      `json:"dirty,omitempty"`
	Note       string    `json:"note,omitempty"`
	RollbackTo int       `json:"rollback_to,omitempty"`
}

// Process is how many instances of a process are wanted and seen.
type Process struct {
	Name    string `json:"name"`
	Wanted  int    `json:"wanted"`
	Running int    `json:"running"`
	Healthy int    `json:"healthy"`
}

// Instance is one instance as a user sees it.
type Instance struct {
	ID      string             `json:"id"`
	Process string             `json:"process"`
	Slot    paas.Slot          `json:"slot"`
	Release int                `json:"release"`
	State   paas.InstanceState `json:"state"`
	Health  paas.Health        `json:"health"`
	Node    string             `json:"node"`
	Since   time.Time          `json:"since"`
	Reason  string             `json:"reason,omitempty"`

	Index    int        `json:"index"` // within its slot
	Restarts int        `json:"restarts"`
	Crashes  int        `json:"crashes,omitempty"`  // ends by itself within the last ten minutes
	NextTry  *time.Time `json:"next_try,omitempty"` // when Nomad starts it again, or places it anew
}

// Route is one address of an app.
type Route struct {
	Host  string          `json:"host"`
	Path  string          `json:"path"`
	URL   string          `json:"url"`
	State paas.RouteState `json:"state"`
}
