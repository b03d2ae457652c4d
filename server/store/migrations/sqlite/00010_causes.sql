-- +goose Up
-- What a reason says, as a row of the table of causes; '' where there is none.
ALTER TABLE instances ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN eval TEXT NOT NULL DEFAULT '';
ALTER TABLE deployments ADD COLUMN trouble TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE deployments DROP COLUMN trouble;
ALTER TABLE jobs DROP COLUMN eval;
ALTER TABLE jobs DROP COLUMN cause;
ALTER TABLE instances DROP COLUMN cause;
