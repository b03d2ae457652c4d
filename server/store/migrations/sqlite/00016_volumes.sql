-- +goose Up
-- Folders on nodes that belong to the instances of one number of a process. No foreign key: they stay when
-- their app goes, and an app of the same name finds them again.
CREATE TABLE volumes (
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    process    TEXT      NOT NULL,
    volume     TEXT      NOT NULL,
    slot_index BIGINT    NOT NULL,
    id         TEXT      NOT NULL,
    node_id    TEXT      NOT NULL,
    node       TEXT      NOT NULL,
    size       BIGINT    NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (team, app, process, volume, slot_index)
);

-- The job that the slot of processes with a volume does not have now, JSON.
ALTER TABLE slots ADD COLUMN aside TEXT NOT NULL DEFAULT 'null';
-- Nomad's index of when it placed the instance: 0 for one that was there before this was noted.
ALTER TABLE instances ADD COLUMN placed_index BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE instances DROP COLUMN placed_index;
ALTER TABLE slots DROP COLUMN aside;
DROP TABLE volumes;
