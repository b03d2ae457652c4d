-- +goose Up
-- Facts: what the routers answered, in pieces of ten seconds, the newest ten minutes.
CREATE TABLE traffic (
    team     TEXT      NOT NULL,
    app      TEXT      NOT NULL,
    process  TEXT      NOT NULL,
    slot     TEXT      NOT NULL,
    at       TIMESTAMP NOT NULL,
    release  BIGINT    NOT NULL,
    requests BIGINT    NOT NULL,
    errors   BIGINT    NOT NULL,
    took     BIGINT    NOT NULL,
    partial  BOOLEAN   NOT NULL,
    PRIMARY KEY (team, app, process, slot, at, release)
);
CREATE INDEX traffic_by_age ON traffic (at);
CREATE INDEX deployments_by_status ON deployments (status);

-- +goose Down
DROP INDEX deployments_by_status;
DROP TABLE traffic;
