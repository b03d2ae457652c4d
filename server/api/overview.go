package api

import (
	"context"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// releaseKey names a release for ever: an app that was made anew counts from 1 again, at another time.
type releaseKey struct {
	ref     paas.AppRef
	number  int
	created time.Time // of the app
}

// urls remembers the addresses of releases, which never change, so that a list of apps need not read a spec
// for each. It holds one release of each app.
type urls struct {
	mu   sync.Mutex
	list map[paas.AppRef]addressed
}

type addressed struct {
	of   releaseKey
	urls []string
}

func keyOf(app paas.App) releaseKey { return releaseKey{app.Ref(), app.Release, app.CreatedAt} }

func (u *urls) of(app paas.App) ([]string, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	found, ok := u.list[app.Ref()]
	return found.urls, ok && found.of == keyOf(app)
}

func (u *urls) keep(app paas.App, list []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.list == nil {
		u.list = map[paas.AppRef]addressed{}
	}
	u.list[app.Ref()] = addressed{keyOf(app), list}
}

// forget drops those of an app that is no more.
func (u *urls) forget(ref paas.AppRef) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.list, ref)
}

// learn reads the addresses of those apps of a page whose live release is not known yet: all in one, since
// after a start none is.
func (a *API) learn(ctx context.Context, filter paas.AppFilter, page []paas.Overview) error {
	var news []paas.App
	for _, o := range page {
		if _, known := a.urls.of(o.App); o.Plain && !known {
			news = append(news, o.App)
		}
	}
	if len(news) == 0 {
		return nil
	}
	routes, err := a.Store.LiveRoutes(ctx, filter)
	if err != nil {
		return err
	}
	for _, app := range news {
		if of, ok := routes[app.Ref()]; ok && of.Release == app.Release {
			list := []string{}
			for _, r := range of.Routes {
				list = append(list, a.RouteURL(r))
			}
			a.urls.keep(app, list)
		}
	}
	return nil
}

// plain is the line of an app of which there is nothing to tell.
func (a *API) plain(o paas.Overview) (wire.App, bool) {
	list, known := a.urls.of(o.App)
	if !o.Plain || !known {
		return wire.App{}, false
	}
	return wire.App{
		App: o.App.Name, Team: o.App.Team, Status: wire.AppRunning, Health: paas.AppHealthy, Release: o.App.Release, Slot: o.App.Live,
		URLs: list, CreatedAt: o.App.CreatedAt,
	}, true
}
