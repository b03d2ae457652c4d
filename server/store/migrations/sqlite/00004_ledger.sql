-- +goose Up
-- Where a release came from.
ALTER TABLE releases ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN source_dirty BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE releases ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN rollback_to BIGINT NOT NULL DEFAULT 0;
CREATE INDEX events_by_time ON events (time);

-- +goose Down
DROP INDEX events_by_time;
ALTER TABLE releases DROP COLUMN source_commit;
ALTER TABLE releases DROP COLUMN source_dirty;
ALTER TABLE releases DROP COLUMN note;
ALTER TABLE releases DROP COLUMN rollback_to;
