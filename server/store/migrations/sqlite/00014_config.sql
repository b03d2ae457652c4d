-- +goose Up
-- What is known of the versions of apps' configurations; their values are in Vault only. No foreign key: a
-- configuration may be there before its app.
CREATE TABLE configs (
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    version    BIGINT    NOT NULL,
    keys       TEXT      NOT NULL,
    change     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by TEXT      NOT NULL,
    mark       TEXT      NOT NULL,
    written    BOOLEAN   NOT NULL,
    PRIMARY KEY (team, app, version)
);

-- +goose Down
DROP TABLE configs;
