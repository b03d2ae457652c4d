-- +goose Up
-- For lists of all apps: few instances end again and again.
CREATE INDEX instances_by_crashes ON instances (crashes);

-- +goose Down
DROP INDEX instances_by_crashes;
