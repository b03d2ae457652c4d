-- +goose Up
-- When each app was last changed, as a number that grows with each change. A row outlives its app, so
-- that whoever asks what has changed since a number learns that the app is gone.
CREATE TABLE changes (
    team   TEXT   NOT NULL,
    app    TEXT   NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (team, app)
);
CREATE INDEX changes_by_number ON changes (number);
INSERT INTO counters (name, value) VALUES ('changes', 1);
INSERT INTO changes (team, app, number) SELECT team, name, 1 FROM apps;

-- Of use to the list of apps as it was read until now.
DROP INDEX instances_by_crashes;

-- +goose Down
CREATE INDEX instances_by_crashes ON instances (crashes);
DELETE FROM counters WHERE name = 'changes';
DROP TABLE changes;
