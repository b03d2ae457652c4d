package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Postgres is the engine of databases on servers that operators register. The instance is a database of its
// own; each program gets a user of its own from Vault's database engine, with a lease that Nomad renews.
//
//	database/config/crumpet-SERVER           the account that was registered, its password rotated
//	database/roles/crumpet-_server--SERVER   a provisioner: by it this engine logs in, for minutes
//	database/config/crumpet--ID              Vault's account in an instance's database
//	database/roles/crumpet-TEAM--APP--NAME--GENERATION   users for a binding
//
// What it has made is never asked of a row: the next call finds it there, so a call that was cut off is
// simply made again.
type Postgres struct {
	Vault DatabaseVault
	SQL   SQL
	Now   func() time.Time
}

var _ Engine = Postgres{}

// DatabaseVault is Vault's database engine. Codes: not_found, unavailable (also: the database, for Vault),
// invalid (the database refuses), forbidden. What is deleted may be gone already.
type DatabaseVault interface {
	Database(ctx context.Context, name string) (paas.DatabaseConnection, error)
	PutDatabase(ctx context.Context, d paas.DatabaseConnection) error
	RotateDatabase(ctx context.Context, name string) error
	DeleteDatabase(ctx context.Context, name string) error
	PutDatabaseRole(ctx context.Context, r paas.DatabaseRole) error
	DeleteDatabaseRole(ctx context.Context, name string) error
	Credentials(ctx context.Context, role string) (paas.DatabaseUser, error)
	RevokeLease(ctx context.Context, lease string) error
	RevokeCredentials(ctx context.Context, role string) error
	CountCredentials(ctx context.Context, role string) (int, error)
}

// SQL logs in to a database and runs statements, each in a transaction of its own, until one fails.
type SQL interface {
	Run(ctx context.Context, login paas.DatabaseLogin, statements []string) error
	// Has says whether a query gives a row.
	Has(ctx context.Context, login paas.DatabaseLogin, query string) (bool, error)
}

const (
	provisionerTTL = 5 * time.Minute
	provisionerMax = 15 * time.Minute
	revokeTries    = 5
)

// pgPlan bounds connections, the one thing that databases on a server can't share without an end. During a
// deployment each program runs twice, so an instance takes what two of its users and more may have.
type pgPlan struct {
	user, database int
}

var pgPlans = map[string]pgPlan{"postgres-small": {user: 10, database: 40}, "postgres-standard": {user: 25, database: 80}}

// planOf takes the smallest where the catalog has no such plan any more.
func planOf(id string) pgPlan {
	p, ok := pgPlans[id]
	if !ok {
		p = pgPlans["postgres-small"]
	}
	return p
}

// Register has Vault know the account, and nobody else its password, unless that is to be kept. Added again
// with the password that was replaced then, it finds that Vault can still log in.
func (e Postgres) Register(ctx context.Context, p Account) (ProviderSecret, error) {
	if p.Absent != "" {
		return ProviderSecret{}, nil
	}
	at, err := serverURL(p.URL)
	if err != nil {
		return ProviderSecret{}, err
	}
	conn := paas.DatabaseConnection{
		Name: serverConnection(p.Name), URL: at.String(), Username: p.Username, Password: p.Secret.Password, Roles: []string{serverRole(p.Name)},
	}
	if conn.Username == "" {
		return ProviderSecret{}, paas.Errorf(paas.Invalid, "The database server %s needs a user: an account with CREATEROLE and CREATEDB. Name it in the URL, as in postgres://admin@%s.", p.Name, at.Host)
	}
	before, err := e.Vault.Database(ctx, conn.Name)
	known := err == nil
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return ProviderSecret{}, err
	}
	if err := e.Vault.PutDatabase(ctx, conn); err != nil {
		same := known && before.URL == conn.URL && before.Username == conn.Username
		if !same || paas.CodeOf(err) != paas.Invalid {
			return ProviderSecret{}, err
		}
	}
	err = e.settle(ctx, p)
	if err != nil && !known {
		_ = e.Unregister(ctx, p) // the reason it could not be registered is the one to tell
	}
	return ProviderSecret{}, err
}

func (e Postgres) settle(ctx context.Context, p Account) error {
	err := e.Vault.PutDatabaseRole(ctx, paas.DatabaseRole{
		Name: serverRole(p.Name), Connection: serverConnection(p.Name), Create: makeProvisioner(), Revoke: endUser(""),
		TTL: provisionerTTL, Max: provisionerMax,
	})
	if err != nil {
		return err
	}
	if _, err := e.Catalog(ctx, p); err != nil {
		return err
	}
	if p.KeepPassword {
		return nil
	}
	return e.Vault.RotateDatabase(ctx, serverConnection(p.Name))
}

// Unregister has Vault forget the server. The role crumpet_admin stays there, and the account's password is
// what Vault made it: nobody's.
func (e Postgres) Unregister(ctx context.Context, p Account) error {
	if p.Absent != "" {
		return nil
	}
	if err := e.Vault.DeleteDatabaseRole(ctx, serverRole(p.Name)); err != nil {
		return err
	}
	_ = e.Vault.RevokeCredentials(ctx, serverRole(p.Name)) // of a server that is gone for good it can't; they end within minutes
	return e.Vault.DeleteDatabase(ctx, serverConnection(p.Name))
}

// Catalog gives the plans, and makes a provisioner for a moment: all that an instance begins with works.
func (e Postgres) Catalog(ctx context.Context, p Account) (paas.Catalog, error) {
	if p.Absent == "" {
		err := e.provisioner(ctx, p, func(login paas.DatabaseLogin) error {
			old, err := e.SQL.Has(ctx, login, pgTooOld())
			if err == nil && old {
				return paas.Errorf(paas.Invalid, "The database server %s is older than PostgreSQL %d, in which users could make tables in each other's databases. Upgrade it.", p.Name, oldestPostgres/10000)
			}
			return err
		})
		if err != nil {
			return paas.Catalog{}, err
		}
	}
	none := json.RawMessage(`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","additionalProperties":false}`)
	plan := func(name, text string) paas.ServicePlan {
		id := "postgres-" + name
		return paas.ServicePlan{
			ID: id, Name: name, Free: true, Bindable: true, BindingRotatable: true, PlanUpdateable: true,
			Description: fmt.Sprintf("%s: %d connections for each program, %d together", text, planOf(id).user, planOf(id).database),
			Schemas:     paas.PlanSchemas{Create: none, Update: none, Bind: none},
		}
	}
	return paas.Catalog{Offerings: []paas.Offering{{
		ID: "postgres", Name: "postgres", Tags: []string{"postgresql", "postgres", "relational", "database"},
		Description: "A PostgreSQL database of its own; each program gets a user of its own, which ends with it",
		Plans:       []paas.ServicePlan{plan("small", "For most apps"), plan("standard", "For busy apps")},
	}}}, nil
}

// provisioner logs in for some work. The user ends afterwards; where Vault can't be told, by itself.
func (e Postgres) provisioner(ctx context.Context, p Account, work func(paas.DatabaseLogin) error) error {
	at, err := serverURL(p.URL)
	if err != nil {
		return err
	}
	u, err := e.Vault.Credentials(ctx, serverRole(p.Name))
	if paas.CodeOf(err) == paas.NotFound {
		return paas.Wrap(paas.Unavailable, err, "Vault does not know the database server %s. Register it again with `crumpet providers add postgres %s`.", p.Name, p.Name)
	}
	if err != nil {
		return err
	}
	defer func() { _ = e.Vault.RevokeLease(context.WithoutCancel(ctx), u.Lease) }()
	return work(paas.DatabaseLogin{URL: at.String(), Username: u.Username, Password: u.Password})
}

// Provision makes the database, its roles, and Vault's way into it.
func (e Postgres) Provision(ctx context.Context, c Call) (Answer, error) {
	n, plan := namesOf(c.Row.Target.InstanceID), planOf(c.Row.Target.PlanID)
	at, err := serverURL(c.Account.URL)
	if err != nil {
		return Answer{}, err
	}
	err = e.provisioner(ctx, c.Account, func(login paas.DatabaseLogin) error {
		if err := e.SQL.Run(ctx, login, makeRoles(n)); err != nil {
			return err
		}
		there, err := e.SQL.Has(ctx, login, hasDatabase(n))
		if err == nil && !there {
			err = e.SQL.Run(ctx, login, []string{makeDatabase(n)})
		}
		if err != nil {
			return err
		}
		whose := fmt.Sprintf("instance %s of team %s", c.Row.Instance, c.Row.Team)
		if err := e.SQL.Run(ctx, login, openDatabase(n, plan.database, whose)); err != nil {
			return err
		}
		inside := login
		inside.URL = inDatabase(at, n.Database).String()
		if err := e.SQL.Run(ctx, inside, []string{makeSchema(n)}); err != nil {
			return err
		}
		return e.letVaultIn(ctx, c, login, inside.URL)
	})
	if err != nil {
		return Answer{}, err
	}
	return Answer{Facts: facts(at, n)}, nil
}

// letVaultIn gives Vault an account in the instance's database. A rotation proves both that Vault has the
// right password, and that nobody else has; only where there is none, or another, is one set.
func (e Postgres) letVaultIn(ctx context.Context, c Call, login paas.DatabaseLogin, address string) error {
	n := namesOf(c.Row.Target.InstanceID)
	conn := paas.DatabaseConnection{
		Name: instanceConnection(c.Row.Target.InstanceID), URL: address, Username: n.Vault,
		Roles: []string{"crumpet-" + c.Row.Team + "--*", "crumpet-_key--" + c.Row.Team + "--*"},
	}
	before, err := e.Vault.Database(ctx, conn.Name)
	switch code := paas.CodeOf(err); {
	case err != nil && code != paas.NotFound:
		return err
	case err == nil && before.URL == conn.URL:
		if err := e.Vault.RotateDatabase(ctx, conn.Name); paas.CodeOf(err) != paas.Invalid {
			return err
		}
	}
	password, salt := rand.Text(), make([]byte, 16)
	rand.Read(salt) // never fails
	text, err := setPassword(n, password, salt)
	if err != nil {
		return paas.Wrap(paas.Internal, err, "A password for Vault could not be made.")
	}
	if err := e.SQL.Run(ctx, login, []string{text}); err != nil {
		return err
	}
	conn.Password = paas.NewSecret(password)
	if err := e.Vault.PutDatabase(ctx, conn); err != nil {
		return err
	}
	return e.Vault.RotateDatabase(ctx, conn.Name)
}

// Update changes the plan: the database's bound at once, those of users with the next that are made.
func (e Postgres) Update(ctx context.Context, c Call) (Answer, error) {
	n := namesOf(c.Row.Target.InstanceID)
	return Answer{}, e.provisioner(ctx, c.Account, func(login paas.DatabaseLogin) error {
		return e.SQL.Run(ctx, login, []string{limitDatabase(n, planOf(c.Row.Target.PlanID).database)})
	})
}

// Deprovision drops the database with all that is in it. Vault is let out first: it would come back.
func (e Postgres) Deprovision(ctx context.Context, c Call) (Answer, error) {
	if len(c.Bound) > 0 && !c.Row.Cleaning {
		return Answer{}, paas.Errorf(paas.Conflict, "Instance %s has %d bindings. Unbind it first.", c.Row.Instance, len(c.Bound))
	}
	n := namesOf(c.Row.Target.InstanceID)
	if err := e.Vault.DeleteDatabase(ctx, instanceConnection(c.Row.Target.InstanceID)); err != nil {
		return Answer{}, err
	}
	return Answer{}, e.provisioner(ctx, c.Account, func(login paas.DatabaseLogin) error {
		if err := e.SQL.Run(ctx, login, endUsers(n)); err != nil {
			return err
		}
		if err := e.SQL.Run(ctx, login, []string{dropDatabase(n)}); err != nil {
			return err
		}
		return e.SQL.Run(ctx, login, dropRoles(n))
	})
}

// Bind makes the role that a binding's credentials are had by, and tries it: what is wrong is told here and
// not by a program that does not start. A key's credentials are had at once, as nobody renews them.
func (e Postgres) Bind(ctx context.Context, c Call) (Answer, error) {
	at, err := serverURL(c.Account.URL)
	if err != nil {
		return Answer{}, err
	}
	n, now := namesOf(c.Row.Target.InstanceID), e.Now()
	b, generation := c.binding(), c.Row.Target.Generation
	role := paas.DatabaseRole{
		Name: b.CredentialsRole(generation), Connection: instanceConnection(c.Row.Target.InstanceID),
		Create: makeUser(n, planOf(c.planID()).user, whose(b, generation)), Revoke: endUser(n.Owner), TTL: paas.LeaseTTL, Max: paas.LeaseMax,
	}
	if b.Key() {
		role.TTL = role.Max
	}
	if err := e.Vault.PutDatabaseRole(ctx, role); err != nil {
		return Answer{}, err
	}
	if b.Key() { // of a call before that nobody heard of
		if err := e.Vault.RevokeCredentials(ctx, role.Name); err != nil {
			return Answer{}, err
		}
	}
	u, err := e.Vault.Credentials(ctx, role.Name)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{
		Entries:     paas.Entries{Type: "postgresql", Provider: c.Account.Name, Facts: facts(at, n), Keys: []string{"password", "username"}},
		RenewBefore: now.Add(paas.LeaseRotate),
	}
	if !b.Key() {
		return answer, e.Vault.RevokeLease(ctx, u.Lease)
	}
	uri := inDatabase(at, n.Database)
	uri.User = url.UserPassword(u.Username, u.Password.Reveal())
	answer.Values = map[string]paas.Secret{"username": paas.NewSecret(u.Username), "password": u.Password, "uri": paas.NewSecret(uri.String())}
	answer.Entries.URL = "uri"
	answer.ExpiresAt = now.Add(min(u.TTL, paas.LeaseMax))
	return answer, nil
}

// Unbind ends all users of one generation. The role goes first, so that nobody gets another meanwhile; who
// was being answered just then is found by looking again. What it owned stays, as the instance's owner's.
func (e Postgres) Unbind(ctx context.Context, c Call) (Answer, error) {
	role := c.binding().CredentialsRole(c.Row.Target.Generation)
	if err := e.Vault.DeleteDatabaseRole(ctx, role); err != nil {
		return Answer{}, err
	}
	_, err := e.Vault.Database(ctx, instanceConnection(c.Row.Target.InstanceID))
	if paas.CodeOf(err) == paas.NotFound {
		return Answer{}, nil // the database was dropped, and its users with it
	}
	if err != nil {
		return Answer{}, err
	}
	left := 0
	for range revokeTries {
		if err := e.Vault.RevokeCredentials(ctx, role); err != nil {
			return Answer{}, err
		}
		if left, err = e.Vault.CountCredentials(ctx, role); err != nil || left == 0 {
			return Answer{}, err
		}
	}
	return Answer{}, paas.Errorf(paas.Unavailable, "Vault has not yet ended %d users of binding %s. It is tried again.", left, c.Row.Binding)
}

// Poll has nothing to ask: nothing here is answered before it is done.
func (e Postgres) Poll(context.Context, Call) (Answer, error) {
	return Answer{Ended: paas.PollSucceeded}, nil
}

// binding is who the credentials are for, also where there is no row any more.
func (c Call) binding() paas.Binding {
	return paas.Binding{Team: c.Row.Team, App: c.Row.App, Name: c.Row.Binding, Instance: c.Row.Instance}
}

func (c Call) planID() string { return cmp.Or(c.Row.Target.PlanID, c.Instance.PlanID) }
