-- +goose Up
-- Wishes for nodes to be empty.
CREATE TABLE drains (
    node_id    TEXT      NOT NULL PRIMARY KEY,
    node       TEXT      NOT NULL,
    asked_by   TEXT      NOT NULL,
    state      TEXT      NOT NULL,
    reason     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    ended_at   TIMESTAMP
);

-- +goose Down
DROP TABLE drains;
