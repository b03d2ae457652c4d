package service

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// whose is what a user's comment says: in PostgreSQL its name is of Vault's making.
func whose(b paas.Binding, generation int) string {
	if b.Key() {
		return fmt.Sprintf("key %s of instance %s of team %s, generation %d", b.Name, b.Instance, b.Team, generation)
	}
	return fmt.Sprintf("binding %s of app %s of team %s, generation %d", b.Name, b.App, b.Team, generation)
}

// Names in Vault's database engine. A server's name holds no two dashes, and an instance's connection begins
// with one, so the two never meet; no team's name begins with an underscore.
func serverConnection(name string) string { return "crumpet-" + name }
func serverRole(name string) string       { return "crumpet-_server--" + name }
func instanceConnection(id string) string {
	return "crumpet--" + unfit.ReplaceAllString(id, "-")
}

func facts(at *url.URL, n pgNames) map[string]string {
	return map[string]string{
		"host": at.Hostname(), "port": at.Port(), "database": n.Database, "sslmode": at.Query().Get("sslmode"),
	}
}

func inDatabase(at *url.URL, name string) *url.URL {
	in := *at
	in.Path = "/" + name
	return &in
}

// serverURL is a server's address in full: with a port, a database to log in to, and a word on TLS. A
// password that crosses a network is given to nobody whose certificate was not checked, unless that is
// said.
func serverURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" || strings.Contains(u.Host, ",") {
		return nil, paas.Errorf(paas.Invalid, "The URL of a database server must be like postgres://admin@db.example.com:5432/postgres.")
	}
	settings := u.Query()
	for name := range settings {
		if name != "sslmode" {
			return nil, paas.Errorf(paas.Invalid, "The URL of a database server has a setting %q. Only sslmode is taken.", name)
		}
	}
	mode := settings.Get("sslmode")
	switch mode {
	case "":
		mode = "verify-full"
		if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			mode = "disable"
		}
	case "disable", "require", "verify-ca", "verify-full":
	default:
		return nil, paas.Errorf(paas.Invalid, "The URL of a database server has sslmode=%s. Use verify-full, verify-ca, require or disable.", mode)
	}
	if port := cmp.Or(u.Port(), "5432"); u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	} else if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, paas.Errorf(paas.Invalid, "The URL of a database server has port %s.", port)
	}
	database := u.Path
	if database == "" || database == "/" {
		database = "/postgres"
	}
	return &url.URL{Scheme: "postgresql", Host: u.Host, Path: database, RawQuery: url.Values{"sslmode": {mode}}.Encode()}, nil
}
