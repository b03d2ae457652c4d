-- +goose Up
-- Wishes for jobs that stand in no slot: crons, tasks of a deployment, runs on demand.
CREATE TABLE sides (
    team         TEXT      NOT NULL,
    app          TEXT      NOT NULL,
    job          TEXT      NOT NULL,
    kind         TEXT      NOT NULL,
    name         TEXT      NOT NULL,
    release      BIGINT    NOT NULL,
    deployment   TEXT      NOT NULL,
    args         TEXT      NOT NULL,
    asked_by     TEXT      NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    text         TEXT      NOT NULL,
    modify_index BIGINT    NOT NULL,
    stands       BOOLEAN   NOT NULL,
    refused      TEXT      NOT NULL,
    stop         TEXT      NOT NULL,
    failed       BOOLEAN   NOT NULL,
    PRIMARY KEY (team, app, job),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);

-- Facts: what was seen of them.
CREATE TABLE runs (
    id         TEXT      NOT NULL PRIMARY KEY,
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    job        TEXT      NOT NULL,
    kind       TEXT      NOT NULL,
    name       TEXT      NOT NULL,
    release    BIGINT    NOT NULL,
    state      TEXT      NOT NULL,
    exit_code  BIGINT    NOT NULL,
    exits      BIGINT    NOT NULL,
    node       TEXT      NOT NULL,
    reason     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    ended_at   TIMESTAMP
);
CREATE INDEX runs_by_app ON runs (team, app, created_at);

-- +goose Down
DROP TABLE runs;
DROP TABLE sides;
