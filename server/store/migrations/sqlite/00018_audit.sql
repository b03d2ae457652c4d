-- +goose Up
-- Who did, or tried to do, what to which thing from where. Lines are added; triggers refuse all else.
CREATE TABLE audit (
    id           INTEGER   PRIMARY KEY AUTOINCREMENT,
    time         TIMESTAMP NOT NULL,
    asked_by     TEXT      NOT NULL,
    kind         TEXT      NOT NULL,
    via          TEXT      NOT NULL,
    address      TEXT      NOT NULL,
    verb         TEXT      NOT NULL,
    action       TEXT      NOT NULL,
    team         TEXT      NOT NULL,
    app          TEXT      NOT NULL,
    target       TEXT      NOT NULL,
    outcome      TEXT      NOT NULL,
    status       BIGINT    NOT NULL,
    detail       TEXT      NOT NULL,
    state_before TEXT      NOT NULL, -- JSON, or nothing
    state_after  TEXT      NOT NULL,
    request      TEXT      NOT NULL,
    times        BIGINT    NOT NULL
);
CREATE INDEX audit_team ON audit (team, id);
CREATE INDEX audit_by ON audit (asked_by, id);

-- +goose StatementBegin
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'lines of the audit are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_undeleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'lines of the audit are never deleted');
END;
-- +goose StatementEnd
-- REPLACE INTO deletes without a word to the trigger above.
-- +goose StatementBegin
CREATE TRIGGER audit_unreplaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'lines of the audit are never changed');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit;
