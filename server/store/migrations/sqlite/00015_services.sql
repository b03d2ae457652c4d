-- +goose Up
-- Instances of services, the bindings that apps have of them, the journal of calls to their providers, and
-- those providers. Rows are documents, beside what is searched for; nothing secret is in them. Bindings have
-- no foreign key to their app: they outlive it until their credentials are ended.
CREATE TABLE service_instances (
    team     TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (team, name)
);

-- key_of is the name of the instance that a key is of, and empty for a binding of an app: keys of two
-- instances may have one name.
CREATE TABLE bindings (
    team     TEXT   NOT NULL,
    app      TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    key_of   TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (team, app, name, key_of)
);
CREATE UNIQUE INDEX bindings_by_id ON bindings (id);
CREATE INDEX bindings_by_instance ON bindings (team, instance);

CREATE TABLE service_operations (
    id       TEXT   NOT NULL,
    team     TEXT   NOT NULL,
    instance TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX service_operations_by_instance ON service_operations (team, instance);

CREATE TABLE service_providers (
    name     TEXT   NOT NULL,
    version  BIGINT NOT NULL,
    document TEXT   NOT NULL,
    PRIMARY KEY (name)
);

INSERT INTO counters (name, value) VALUES ('services', 0);

-- +goose Down
DELETE FROM counters WHERE name = 'services';
DROP TABLE service_providers;
DROP TABLE service_operations;
DROP TABLE bindings;
DROP TABLE service_instances;
