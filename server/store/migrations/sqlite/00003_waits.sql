-- +goose Up
-- What a deployment waits for, and the times of its strategy.
ALTER TABLE deployments ADD COLUMN waits TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN stop_first BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE deployments ADD COLUMN held_for BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN started_at TIMESTAMP;
ALTER TABLE deployments ADD COLUMN held_at TIMESTAMP;
ALTER TABLE deployments ADD COLUMN switched_at TIMESTAMP;

-- +goose Down
ALTER TABLE deployments DROP COLUMN waits;
ALTER TABLE deployments DROP COLUMN stop_first;
ALTER TABLE deployments DROP COLUMN held_for;
ALTER TABLE deployments DROP COLUMN started_at;
ALTER TABLE deployments DROP COLUMN held_at;
ALTER TABLE deployments DROP COLUMN switched_at;
