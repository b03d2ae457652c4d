package fabio

import (
	"context"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// readings are how the tables of routers looked when they could last be read.
type readings struct {
	mu   sync.Mutex
	last map[string]paas.Router // by address; guarded by mu
}

// Routers says of every router, by address, how its table is, and of one that does not show it how it was. An error
// says that it is not known which routers there are.
func (c *Client) Routers(ctx context.Context) ([]paas.Router, error) {
	routers, tables, errs, err := everyone(ctx, c, c.table)
	if err != nil {
		return nil, err
	}
	c.looks.mu.Lock()
	defer c.looks.mu.Unlock()
	before := c.looks.last
	c.looks.last = make(map[string]paas.Router, len(routers))
	list := make([]paas.Router, 0, len(routers))
	for i, router := range routers {
		one := before[router.Address]
		one.Address, one.OK, one.Reason = router.Address, errs[i] == nil, ""
		if errs[i] == nil {
			one = routerOf(tables[i], c.cfg.Now().UTC())
		} else {
			one.Reason = paas.MessageOf(errs[i])
		}
		c.looks.last[router.Address] = one
		list = append(list, one)
	}
	return list, nil
}

func routerOf(table paas.RouterTable, now time.Time) paas.Router {
	apps := map[paas.AppRef]bool{}
	for _, e := range table.Entries {
		if s, ours := paas.ParseService(e.Service); ours {
			apps[paas.AppRef{Team: s.Team, App: s.App}] = true
		}
	}
	return paas.Router{Address: table.Router, OK: true, Routes: len(table.Entries), Apps: len(apps), ReadAt: &now}
}
