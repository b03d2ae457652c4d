package install

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const serveLimit = 2 * time.Minute // for the routers to lead to servers that pass their checks

// router gives the URL of a router, as it is reached from here.
func (i *Install) router(ctx context.Context) (string, error) {
	if i.cfg.Router != "" {
		return i.cfg.Router, nil
	}
	found, err := i.instances(ctx, fabioJob)
	if err != nil {
		return "", err
	}
	for _, at := range found {
		if host, _, err := net.SplitHostPort(at); err == nil {
			return "http://" + net.JoinHostPort(host, strconv.Itoa(i.wish.RouterPort)), nil
		}
	}
	return "", paas.Errorf(paas.Unavailable, "Consul knows no Fabio whose check passes. See `nomad job status -namespace %s fabio`.", namespace)
}

// serves waits until Crumpet answers by way of a router.
func (i *Install) serves(ctx context.Context, router string) error {
	ctx, cancel := context.WithTimeout(ctx, serveLimit)
	defer cancel()
	api := i.cfg.API(i.wish, router, "")
	for {
		err := api(ctx, "GET", "/healthz", nil, nil)
		if err == nil {
			return nil
		}
		if !pause(ctx, lookAt) {
			return paas.Wrap(paas.Unavailable, err, "Crumpet runs, and the router at %s does not lead to it as %s. See that Fabio reads Consul: /api/routes of its port %d.", router, i.wish.Host, i.wish.AdminPort)
		}
	}
}

// admin makes the first admin with the operators' token, and gives the name where there was none of it.
func (i *Install) admin(ctx context.Context, router string) (string, error) {
	want := i.cfg.Given.Admin
	if want.Name == "" {
		return "", nil
	}
	first, err := readSecret(ctx, i.cfg.Vault, firstSecret)
	if err != nil {
		return "", err
	}
	api := i.cfg.API(i.wish, router, first["token"])
	err = api(ctx, "POST", "/v1/users", map[string]any{"name": want.Name, "password": want.Password, "admin": true}, nil)
	switch code := paas.CodeOf(err); {
	case err == nil:
		return want.Name, nil
	case code == paas.Conflict: // made before
		return "", nil
	case code == paas.Unauthorized:
		return "", paas.Wrap(code, err, "Crumpet does not know the token of crumpet/platform/first-token: its store is older than this install. Make the admin %q with a token that it knows: crumpet users create %s --admin.", want.Name, want.Name)
	}
	return "", err
}

// appsURL is the pattern of the apps' URLs.
func (w Wish) appsURL() string {
	if w.RouterPort == 80 {
		return "http://APP." + w.Domain
	}
	return "http://APP." + w.Domain + ":" + strconv.Itoa(w.RouterPort)
}
