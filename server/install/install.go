package install

import (
	"context"
	"log/slog"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config says where to install, and how it is reached.
type Config struct {
	Nomad, Consul, Vault Call // with management rights
	// API makes calls of Crumpet's own API as an operator, through the routers under the host of the wish.
	API func(wish Wish, router, token string) Call

	Wish   Wish
	Given  Secrets // what the operator brings; may be empty when it is in Vault already
	Schema int64   // version of the store that Wish.Crumpet brings; 0 where that is not known
	Router string  // URL of a router, as it is reached from here; "" for the first one that Consul knows

	Now func() time.Time
	Log *slog.Logger
	Say func(format string, args ...any) // tells the operator of progress
}

// Secrets are what an operator brings. They go to Vault and nowhere else.
type Secrets struct {
	Database            string // URL of a PostgreSQL database that the nodes reach
	NomadCA             string // PEM, with NomadCert and NomadKey: what the servers show to a Nomad that wants a client's certificate
	NomadCert, NomadKey string
	VaultCA             string            // PEM: who signed Vault's certificate
	Consul              map[string]string // tokens that were made already, by the policy's name
	Admin               Admin
}

// Admin is the first one of the platform.
type Admin struct{ Name, Password string }

// Install installs.
type Install struct {
	cfg   Config
	asked Wish // as it was said: what follows from it is found anew each time
	wish  Wish
	there Survey
	blind bool // Vault does not show the platform's secrets: they are taken to be as wished
}

// Result is what an operator needs to know at the end.
type Result struct {
	Objects []Object `json:"objects"` // that were written
	URL     string   `json:"url"`
	Router  string   `json:"router"`          // where requests go in, as seen from here
	Apps    string   `json:"apps"`            // pattern of the apps' URLs
	Version string   `json:"version"`         // that runs now
	Admin   string   `json:"admin,omitempty"` // that was made
	Took    string   `json:"took"`
}

// Saved gives the wish that is kept in Vault of an earlier run; not_found where there was none.
func Saved(ctx context.Context, vault Call) (Wish, error) {
	values, err := readSecret(ctx, vault, "install")
	if err != nil {
		return Wish{}, err
	}
	return savedWish(values)
}

// New checks a wish. Code: invalid, with every fault.
func New(cfg Config) (*Install, error) {
	asked := cfg.Wish
	wish, faults := asked.complete()
	if len(faults) > 0 {
		return nil, &paas.Error{Code: paas.Invalid, Message: "The platform can't be as it is wished.", Faults: faults}
	}
	return &Install{cfg: cfg, asked: asked, wish: wish}, nil
}

// Plan gives what Run would write, in order. It writes nothing. Codes: as Survey.
func (i *Install) Plan(ctx context.Context) ([]Object, error) {
	if _, err := i.Survey(ctx); err != nil {
		return nil, err
	}
	list := []Object{}
	for _, o := range i.objects() {
		why, err := o.differs(ctx)
		if err != nil {
			return list, err
		}
		if why != "" {
			list = append(list, o.told(why))
		}
	}
	return list, nil
}

// Run makes it so, waits until the jobs serve, and says why when they don't. Code unavailable: what was there before
// serves on.
func (i *Install) Run(ctx context.Context) (Result, error) {
	began := i.cfg.Now()
	result := Result{Objects: []Object{}, Version: i.wish.Crumpet.Version, URL: i.wish.URL}
	if _, err := i.Survey(ctx); err != nil {
		return result, err
	}
	for _, o := range i.objects() {
		why, err := o.differs(ctx)
		if err != nil {
			return result, err
		}
		if why == "" {
			continue
		}
		i.cfg.Say("%s %s %s: %s", o.program, o.kind, o.name, why)
		if err := o.write(ctx); err != nil {
			return result, err
		}
		if why, err = o.differs(ctx); err != nil {
			return result, err
		} else if why != "" {
			return result, paas.Errorf(paas.Conflict, "The %s %s %q was written and is not as wished (%s). Somebody else writes it: end that first.", o.program, o.kind, o.name, why)
		}
		result.Objects = append(result.Objects, o.told(why))
		i.cfg.Log.Info("object written", "program", o.program, "kind", o.kind, "name", o.name)
	}
	router, err := i.router(ctx)
	if err != nil {
		return result, err
	}
	if err := i.serves(ctx, router); err != nil {
		return result, err
	}
	result.Router, result.Apps = router, i.wish.appsURL()
	if result.Admin, err = i.admin(ctx, router); err != nil {
		return result, err
	}
	result.Took = i.cfg.Now().Sub(began).Round(100 * time.Millisecond).String()
	return result, nil
}

// objects are all of them, each after those that it hangs on.
func (i *Install) objects() []object {
	if i.blind {
		return i.jobObjects()
	}
	list := i.vaultObjects()
	list = append(list, i.consulObjects()...)
	list = append(list, i.nomadObjects()...)
	list = append(list, i.secretObjects()...)
	list = append(list, i.jobObjects()...)
	return append(list, i.wishObject())
}
