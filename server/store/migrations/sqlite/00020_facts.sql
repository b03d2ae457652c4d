-- +goose Up
-- The text that a release's spec was read from. Releases of before this was kept have none.
CREATE TABLE sources (
    team        TEXT   NOT NULL,
    app         TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    spec_digest TEXT   NOT NULL,
    filename    TEXT   NOT NULL,
    environment TEXT   NOT NULL,
    spec        TEXT   NOT NULL,
    PRIMARY KEY (team, app, number),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);

-- Apps on their way from a template to a release. No foreign key: the app is made by that release.
CREATE TABLE launches (
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    template   TEXT      NOT NULL,
    build      TEXT      NOT NULL,
    status     TEXT      NOT NULL,
    reason     TEXT      NOT NULL,
    release    BIGINT    NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by TEXT      NOT NULL,
    ended_at   TIMESTAMP,
    PRIMARY KEY (team, app)
);

-- What share of requests a step of a deployment gives to the new release, in percent.
ALTER TABLE events ADD COLUMN share BIGINT;

-- +goose Down
ALTER TABLE events DROP COLUMN share;
DROP TABLE launches;
DROP TABLE sources;
