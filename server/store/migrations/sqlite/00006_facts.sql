-- +goose Up
-- Facts of the machines that run instances, and of the programs that Crumpet works with.
CREATE TABLE nodes (
    id         TEXT      NOT NULL PRIMARY KEY,
    name       TEXT      NOT NULL,
    datacenter TEXT      NOT NULL,
    pool       TEXT      NOT NULL,
    address    TEXT      NOT NULL,
    status     TEXT      NOT NULL,
    eligible   BOOLEAN   NOT NULL,
    draining   BOOLEAN   NOT NULL,
    since      TIMESTAMP NOT NULL
);

CREATE TABLE backends (
    name   TEXT      NOT NULL PRIMARY KEY,
    ok     BOOLEAN   NOT NULL,
    reason TEXT      NOT NULL,
    since  TIMESTAMP NOT NULL
);

ALTER TABLE instances ADD COLUMN node_id TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN exit_code BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN oom BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE instances ADD COLUMN next_try TIMESTAMP;
ALTER TABLE instances ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN overdue BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE instances ADD COLUMN checks TEXT NOT NULL DEFAULT 'null';
CREATE INDEX instances_by_node ON instances (node_id);

-- Who asked for it.
ALTER TABLE events ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN asked_by;
DROP INDEX instances_by_node;
ALTER TABLE instances DROP COLUMN checks;
ALTER TABLE instances DROP COLUMN overdue;
ALTER TABLE instances DROP COLUMN previous;
ALTER TABLE instances DROP COLUMN crashes;
ALTER TABLE instances DROP COLUMN next_try;
ALTER TABLE instances DROP COLUMN oom;
ALTER TABLE instances DROP COLUMN exit_code;
ALTER TABLE instances DROP COLUMN node_id;
DROP TABLE backends;
DROP TABLE nodes;
