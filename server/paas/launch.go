package paas

import "time"

// Template is an app to begin with.
type Template struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Needs       []string `json:"needs" doc:"Offerings of services that it makes an instance of, such as postgres; empty where it needs none."`
	Commands    []string `json:"commands" doc:"Commands that do the same for an app called NAME, in their order."`
}

// LaunchState is how far a launch is.
//
//	building --> released     its deployment goes on by itself
//	    |
//	    +------> failed       of the build, or refused at admission: Reason says which
type LaunchState string

// The states.
const (
	LaunchBuilding LaunchState = "building"
	LaunchReleased LaunchState = "released"
	LaunchFailed   LaunchState = "failed"
)

// Launch is the wish for an app to begin with a template: as soon as the build of its source is done, a
// release is made of it.
type Launch struct {
	Team      string      `json:"team"`
	App       string      `json:"app"`
	Template  string      `json:"template"`
	Build     string      `json:"build"` // id of the build
	State     LaunchState `json:"status"`
	Reason    string      `json:"reason,omitempty"` // why it failed, a sentence
	Release   int         `json:"release,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
	CreatedBy string      `json:"created_by"`
	EndedAt   *time.Time  `json:"ended_at,omitempty"`
}

// LaunchRequest asks for an app of a template.
type LaunchRequest struct {
	Ref      AppRef
	Template string
	By       string // name of who asks
	Sight    Sight  // of who asks: whose hosts it may be told of
}

// Ref names the app.
func (l Launch) Ref() AppRef { return AppRef{Team: l.Team, App: l.App} }
