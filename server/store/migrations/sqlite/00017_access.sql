-- +goose Up
-- Who may do what. A team is there before anything is made in it; those that own something already are teams
-- from now on.
CREATE TABLE teams (
    name        TEXT      NOT NULL PRIMARY KEY,
    description TEXT      NOT NULL,
    quota       TEXT      NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    created_by  TEXT      NOT NULL
);
INSERT INTO teams (name, description, quota, created_at, created_by)
SELECT owners.team, '', '{}', CURRENT_TIMESTAMP, '' FROM (
    SELECT 'default' AS team UNION SELECT team FROM apps UNION SELECT team FROM service_instances UNION
    SELECT team FROM bindings UNION SELECT team FROM configs UNION SELECT team FROM volumes
) AS owners;

-- Persons and bots. provider and subject are who a person is at an OIDC provider; password is a hash.
CREATE TABLE users (
    name         TEXT      NOT NULL PRIMARY KEY,
    kind         TEXT      NOT NULL,
    full_name    TEXT      NOT NULL,
    email        TEXT      NOT NULL,
    admin        BOOLEAN   NOT NULL,
    provider     TEXT      NOT NULL,
    subject      TEXT      NOT NULL,
    password     TEXT      NOT NULL,
    disabled     BOOLEAN   NOT NULL,
    failures     BIGINT    NOT NULL,
    locked_until TIMESTAMP,
    seen_at      TIMESTAMP,
    created_at   TIMESTAMP NOT NULL,
    created_by   TEXT      NOT NULL
);
CREATE UNIQUE INDEX users_by_subject ON users (provider, subject) WHERE provider <> '';

CREATE TABLE members (
    team       TEXT      NOT NULL REFERENCES teams (name) ON DELETE CASCADE,
    user_name  TEXT      NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    role       TEXT      NOT NULL,
    source     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by TEXT      NOT NULL,
    PRIMARY KEY (team, user_name)
);
CREATE INDEX members_by_user ON members (user_name);

-- hash is of the cookie's value.
CREATE TABLE sessions (
    id         TEXT      NOT NULL PRIMARY KEY,
    hash       TEXT      NOT NULL,
    user_name  TEXT      NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at TIMESTAMP NOT NULL,
    seen_at    TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    address    TEXT      NOT NULL,
    agent      TEXT      NOT NULL
);
CREATE UNIQUE INDEX sessions_by_hash ON sessions (hash);
CREATE INDEX sessions_by_user ON sessions (user_name);

-- Sign-ins under way. hash is of the state or the code that comes back.
CREATE TABLE logins (
    hash       TEXT      NOT NULL PRIMARY KEY,
    kind       TEXT      NOT NULL,
    provider   TEXT      NOT NULL,
    verifier   TEXT      NOT NULL,
    nonce      TEXT      NOT NULL,
    binding    TEXT      NOT NULL,
    user_name  TEXT      NOT NULL,
    next_path  TEXT      NOT NULL,
    expires_at TIMESTAMP NOT NULL
);

-- A token without an owner is an operator's, as all were until now.
ALTER TABLE tokens ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN owner TEXT REFERENCES users (name) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tokens ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN expires_at TIMESTAMP;
ALTER TABLE tokens ADD COLUMN revoked_at TIMESTAMP;
ALTER TABLE tokens ADD COLUMN last_used_at TIMESTAMP;
ALTER TABLE tokens ADD COLUMN last_used_by TEXT NOT NULL DEFAULT '';
UPDATE tokens SET id = lower(hex(randomblob(6)));
CREATE UNIQUE INDEX tokens_by_id ON tokens (id);
CREATE INDEX tokens_by_owner ON tokens (owner);

-- It grows with each change of who may do what.
INSERT INTO counters (name, value) VALUES ('access', 0);

-- +goose Down
DELETE FROM counters WHERE name = 'access';
CREATE TABLE tokens_before (
    hash       TEXT      NOT NULL PRIMARY KEY,
    name       TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL
);
INSERT INTO tokens_before (hash, name, created_at) SELECT hash, name, created_at FROM tokens WHERE owner IS NULL AND revoked_at IS NULL;
DROP TABLE tokens;
ALTER TABLE tokens_before RENAME TO tokens;
DROP TABLE logins;
DROP TABLE sessions;
DROP TABLE members;
DROP TABLE users;
DROP TABLE teams;
