-- +goose Up
-- Whose a host is: the first team to have a route on it keeps it until it gives it up. No foreign key: a team
-- that goes has given up its hosts before.
CREATE TABLE hosts (
    host       TEXT      NOT NULL PRIMARY KEY,
    team       TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by TEXT      NOT NULL
);
CREATE INDEX hosts_by_team ON hosts (team);

-- Teams that may have routes on a host of another team.
CREATE TABLE host_shares (
    host TEXT NOT NULL REFERENCES hosts (host) ON DELETE CASCADE,
    team TEXT NOT NULL,
    PRIMARY KEY (host, team)
);

-- What has routes now keeps its host. Where apps of several teams are on one, the oldest app's team has it,
-- and shares it with the others.
INSERT INTO hosts (host, team, created_at, created_by)
SELECT DISTINCT c.host, (
    SELECT a.team FROM claims AS o JOIN apps AS a ON a.team = o.team AND a.name = o.app
    WHERE o.host = c.host ORDER BY a.created_at, a.team LIMIT 1
), CURRENT_TIMESTAMP, '' FROM claims AS c;
INSERT INTO host_shares (host, team)
SELECT DISTINCT c.host, c.team FROM claims AS c JOIN hosts AS h ON h.host = c.host WHERE h.team <> c.team;

-- What each app wants of its team's quota. The leader writes the rows of the apps that are there already.
CREATE TABLE demands (
    team      TEXT   NOT NULL,
    app       TEXT   NOT NULL,
    memory    BIGINT NOT NULL,
    cpu       BIGINT NOT NULL,
    instances BIGINT NOT NULL,
    routes    BIGINT NOT NULL,
    storage   BIGINT NOT NULL,
    PRIMARY KEY (team, app),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);

-- +goose Down
DROP TABLE demands;
DROP TABLE host_shares;
DROP TABLE hosts;
