package server

import (
	"reflect"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/doctor"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/watch"
)

// Around is around of boundaries in a folder.
func Around(dir string) func(name string, call func()) { return newBoundaries(dir).around }

// EndpointsOf are those of a server of that name with these files about Nomad.
func EndpointsOf(name, ca, cert string) []doctor.Endpoint {
	s := Server{cfg: config.Config{Nomad: &config.Nomad{CAFile: ca, CertFile: cert}, Consul: &config.Consul{}, Vault: &config.Vault{}, Fabio: &config.Fabio{}}}
	s.self.name = name
	return s.endpoints()
}

// Calls is one interface whose calls have boundaries, and what wraps it, around nil.
type Calls struct {
	Name      string
	Interface reflect.Type
	Wrapped   func(dir string) reflect.Value
}

// BoundaryCalls are all of them.
func BoundaryCalls() []Calls {
	return []Calls{
		{"store", reflect.TypeFor[deploy.Store](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{}).Store)
		}},
		{"nomad", reflect.TypeFor[deploy.Scheduler](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{}).Scheduler)
		}},
		{"consul", reflect.TypeFor[deploy.Rules](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{}).Rules)
		}},
		{"vault", reflect.TypeFor[deploy.Access](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{Access: access{}}).Access)
		}},
		{"nomad", reflect.TypeFor[deploy.Variables](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{Variables: (*nomad.Client)(nil)}).Variables)
		}},
		{"nomad", reflect.TypeFor[deploy.Storage](), func(dir string) reflect.Value {
			return reflect.ValueOf(newBoundaries(dir).deploy(deploy.Config{}).Storage)
		}},
		{"store", reflect.TypeFor[watch.Store](), func(dir string) reflect.Value { return reflect.ValueOf(newBoundaries(dir).watchStore(nil)) }},
		{"store", reflect.TypeFor[build.Store](), func(dir string) reflect.Value { return reflect.ValueOf(newBoundaries(dir).buildStore(nil)) }},
	}
}
