package service

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// Every statement that Crumpet has a PostgreSQL run. Nobody here is a superuser:
//
//	account         what an operator registers: CREATEROLE and CREATEDB. Vault alone knows its password
//	   | makes, for minutes
//	provisioner     logs in, acts as crumpet_admin, which owns all databases
//	   | makes, once for an instance
//	crumpet_ID_owner    owns what is in the database, logs in nowhere
//	crumpet_ID_vault    Vault's account in that database; may give the owner's rights to users it makes
//	   | makes, one for each running task
//	v-...           a task's user: acts as the owner from its login on, so that all users own all together
//
// The application can't take the database's door out of Vault's hands: the owner of what is in it is not
// the owner of the database, and can neither drop it nor say who may connect.
//
// It is written for PostgreSQL 15, and for 16 and later, where CREATEROLE is no right over roles that others
// made: who is to change a role has made it, or is a member of who has. Each text may be run again, at any
// time and after any other was cut off. What Vault runs comes in an open transaction; a block between DO and
// END is not cut at semicolons.

// adminRole is what provisioners act as.
const adminRole = "crumpet_admin"

// oldestPostgres is the first version in which PUBLIC may make nothing in the schema public.
const oldestPostgres = 150000

// pgNames are those of one instance. They come of its id, which is never used again: what is left of an
// earlier instance of the same name is never taken for this one.
type pgNames struct {
	Database, Owner, Vault string
}

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

func namesOf(instanceID string) pgNames {
	base := "crumpet_" + unfit.ReplaceAllString(strings.ToLower(instanceID), "_")
	base = base[:min(len(base), 63-len("_owner"))]
	return pgNames{Database: base, Owner: base + "_owner", Vault: base + "_vault"}
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// block is a text that is run whole.
func block(format string, args ...any) string {
	return "DO $crumpet$ BEGIN\n" + fmt.Sprintf(format, args...) + "\nEND $crumpet$"
}

// roleMissing is a condition.
func roleMissing(name string) string {
	return "NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = " + literal(name) + ")"
}

// pgTooOld gives a row on a server that is.
func pgTooOld() string {
	return fmt.Sprintf("SELECT 1 WHERE pg_catalog.current_setting('server_version_num')::int < %d", oldestPostgres)
}

// makeProvisioner are the statements for a provisioner. The account makes crumpet_admin at the first.
func makeProvisioner() []string {
	return []string{
		block(`IF %s THEN CREATE ROLE %s NOLOGIN CREATEDB CREATEROLE; END IF;
IF NOT pg_catalog.pg_has_role(current_user, %s, 'MEMBER') THEN GRANT %s TO CURRENT_USER; END IF;`,
			roleMissing(adminRole), adminRole, literal(adminRole), adminRole),
		`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' CONNECTION LIMIT 4 IN ROLE ` + adminRole,
		`ALTER ROLE "{{name}}" SET role TO ` + literal(adminRole),
		// Nothing that somebody left in a database is found in the place of PostgreSQL's own.
		`ALTER ROLE "{{name}}" SET search_path TO pg_catalog`,
		`COMMENT ON ROLE "{{name}}" IS 'Crumpet: makes databases, for some minutes'`,
	}
}

// makeUser are the statements for a task's user. The comment is for who looks with \du+.
func makeUser(n pgNames, connections int, whose string) []string {
	return []string{
		fmt.Sprintf(`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' CONNECTION LIMIT %d IN ROLE %s`, connections, ident(n.Owner)),
		`ALTER ROLE "{{name}}" SET role TO ` + literal(n.Owner),
		`COMMENT ON ROLE "{{name}}" IS ` + literal("Crumpet: "+whose),
	}
}

// endUser are the statements that end a user for good. What it owns becomes heir's; "" has it dropped.
//
// Its right to log in ends in a transaction of its own: an app with a pool is back within milliseconds of
// losing its connections, and who is let in before the role is gone could go on as the owner for ever.
// A login on its way is in the list of activities some moments later only, so that is looked at twice.
func endUser(heir string) []string {
	reassign := ""
	if heir != "" {
		reassign = fmt.Sprintf("REASSIGN OWNED BY \"{{name}}\" TO %s;\n", ident(heir))
	}
	return []string{
		block(`IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{{name}}') THEN ALTER ROLE "{{name}}" NOLOGIN; END IF;`),
		"COMMIT",
		"BEGIN",
		block(`IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{{name}}') THEN
GRANT "{{name}}" TO CURRENT_USER;
%[1]s
%[2]sDROP OWNED BY "{{name}}";
PERFORM pg_catalog.pg_stat_clear_snapshot();
%[1]s
DROP ROLE "{{name}}";
END IF;`, endSessions("'{{name}}'"), reassign),
	}
}

// endSessions waits a second at most for the end of each.
func endSessions(role string) string {
	return "PERFORM pg_catalog.pg_terminate_backend(a.pid, 1000) FROM pg_catalog.pg_stat_activity a WHERE a.usename = " + role + ";"
}

// makeRoles has crumpet_admin make the roles of an instance. It is a member of both, so that it can end
// their sessions and drop them.
func makeRoles(n pgNames) []string {
	return []string{
		block("IF %s THEN CREATE ROLE %s NOLOGIN; END IF;", roleMissing(n.Owner), ident(n.Owner)),
		block("IF %s THEN CREATE ROLE %s LOGIN CREATEROLE CONNECTION LIMIT 8; END IF;", roleMissing(n.Vault), ident(n.Vault)),
		fmt.Sprintf("ALTER ROLE %s SET search_path TO pg_catalog", ident(n.Vault)),
		fmt.Sprintf("GRANT %s, %s TO CURRENT_USER", ident(n.Owner), ident(n.Vault)),
		fmt.Sprintf("GRANT %s TO %s WITH ADMIN OPTION", ident(n.Owner), ident(n.Vault)),
	}
}

// hasDatabase gives a row where there is one.
func hasDatabase(n pgNames) string {
	return "SELECT 1 FROM pg_catalog.pg_database WHERE datname = " + literal(n.Database)
}

// makeDatabase can't be part of a block. template0 is the one template that nobody is ever connected to.
func makeDatabase(n pgNames) string {
	return fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0", ident(n.Database))
}

// openDatabase says who may connect: nobody but the instance's own roles.
func openDatabase(n pgNames, connections int, whose string) []string {
	db := ident(n.Database)
	return []string{
		fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", db),
		fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s", db, ident(n.Vault)),
		fmt.Sprintf("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %s TO %s", db, ident(n.Owner)),
		fmt.Sprintf("COMMENT ON DATABASE %s IS %s", db, literal("Crumpet: "+whose)),
		limitDatabase(n, connections),
	}
}

func limitDatabase(n pgNames, connections int) string {
	return fmt.Sprintf("ALTER DATABASE %s CONNECTION LIMIT %d", ident(n.Database), connections)
}

// makeSchema runs in the database: its schema public becomes the application's, until that has made
// another of it.
func makeSchema(n pgNames) string {
	return block(`IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public' AND nspowner = 'pg_database_owner'::pg_catalog.regrole) THEN
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO %s;
END IF;`, ident(n.Owner))
}

// setPassword gives Vault's account a password that PostgreSQL is never told, nor its log.
func setPassword(n pgNames, password string, salt []byte) (string, error) {
	v, err := verifier(password, salt)
	return fmt.Sprintf("ALTER ROLE %s PASSWORD %s", ident(n.Vault), literal(v)), err
}

// verifier is what PostgreSQL keeps of a password: RFC 5803.
func verifier(password string, salt []byte) (string, error) {
	const iterations = 4096
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		_, _ = h.Write([]byte(text)) // a hash takes everything
		return h.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, text(salt), text(stored[:]), text(sign("Server Key"))), nil
}

// endUsers shuts out the users that are left in a database which is to be dropped: those of credentials
// that could not be revoked. It is two texts, for the reason that endUser tells.
func endUsers(n pgNames) []string {
	return []string{
		eachUser(n, "EXECUTE pg_catalog.format('ALTER ROLE %I NOLOGIN', u);"),
		eachUser(n, "EXECUTE pg_catalog.format('GRANT %I TO CURRENT_USER', u);\n"+endSessions("u")),
	}
}

// dropDatabase can't be part of a block. FORCE ends Vault's sessions, and none that aren't the instance's.
func dropDatabase(n pgNames) string {
	return fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", ident(n.Database))
}

// dropRoles drops all roles of an instance; the database is gone.
func dropRoles(n pgNames) []string {
	return []string{
		eachUser(n, "EXECUTE pg_catalog.format('DROP OWNED BY %I', u);\nEXECUTE pg_catalog.format('DROP ROLE %I', u);"),
		fmt.Sprintf("DROP ROLE IF EXISTS %s", ident(n.Vault)),
		fmt.Sprintf("DROP ROLE IF EXISTS %s", ident(n.Owner)),
	}
}

// eachUser does something for each user u that acts as an instance's owner.
func eachUser(n pgNames, do string) string {
	return fmt.Sprintf(`DO $crumpet$ DECLARE u pg_catalog.name; BEGIN
FOR u IN SELECT DISTINCT m.rolname FROM pg_catalog.pg_auth_members a
JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles o ON o.oid = a.roleid
WHERE o.rolname = %s AND m.rolname NOT IN (%s, %s) LOOP
`, literal(n.Owner), literal(n.Vault), literal(adminRole)) + do + "\nEND LOOP;\nEND $crumpet$"
}
