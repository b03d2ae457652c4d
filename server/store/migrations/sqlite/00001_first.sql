-- +goose Up
-- Wishes. All rows of an app go with it.
CREATE TABLE apps (
    team       TEXT      NOT NULL,
    name       TEXT      NOT NULL,
    version    BIGINT    NOT NULL,
    slot       TEXT      NOT NULL,
    release    BIGINT    NOT NULL,
    counts     TEXT      NOT NULL,
    stopped    BOOLEAN   NOT NULL,
    deleting   BOOLEAN   NOT NULL,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (team, name)
);

CREATE TABLE releases (
    team           TEXT      NOT NULL,
    app            TEXT      NOT NULL,
    number         BIGINT    NOT NULL,
    spec           TEXT      NOT NULL,
    spec_digest    TEXT      NOT NULL,
    artifact       TEXT      NOT NULL,
    runtime        TEXT      NOT NULL,
    config_version BIGINT    NOT NULL,
    created_at     TIMESTAMP NOT NULL,
    created_by     TEXT      NOT NULL,
    PRIMARY KEY (team, app, number),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);

CREATE TABLE slots (
    team         TEXT   NOT NULL,
    app          TEXT   NOT NULL,
    slot         TEXT   NOT NULL,
    release      BIGINT NOT NULL,
    job          TEXT   NOT NULL,
    counts       TEXT   NOT NULL,
    first_index  BIGINT NOT NULL,
    modify_index BIGINT NOT NULL,
    PRIMARY KEY (team, app, slot),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);

CREATE TABLE deployments (
    team          TEXT      NOT NULL,
    app           TEXT      NOT NULL,
    id            TEXT      NOT NULL,
    release       BIGINT    NOT NULL,
    previous      BIGINT    NOT NULL,
    slot          TEXT      NOT NULL,
    from_slot     TEXT      NOT NULL,
    cause         TEXT      NOT NULL,
    why           TEXT      NOT NULL,
    status        TEXT      NOT NULL,
    reason        TEXT      NOT NULL,
    walk          BOOLEAN   NOT NULL,
    wanted        TEXT      NOT NULL,
    steps         TEXT      NOT NULL,
    step          BIGINT    NOT NULL,
    abort         BOOLEAN   NOT NULL,
    cancel        BOOLEAN   NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    step_at       TIMESTAMP NOT NULL,
    planned_at    TIMESTAMP,
    registered_at TIMESTAMP,
    healthy_at    TIMESTAMP,
    routed_at     TIMESTAMP,
    ended_at      TIMESTAMP,
    PRIMARY KEY (team, app, id),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);
CREATE INDEX deployments_by_age ON deployments (team, app, created_at);

-- One holder per route, whatever the code above does.
CREATE TABLE claims (
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    team TEXT NOT NULL,
    app  TEXT NOT NULL,
    PRIMARY KEY (host, path),
    FOREIGN KEY (team, app) REFERENCES apps (team, name) ON DELETE CASCADE
);
CREATE INDEX claims_by_app ON claims (team, app);

-- Facts. No foreign key: what runs on a cluster does not ask whether somebody still wishes it.
CREATE TABLE instances (
    id         TEXT      NOT NULL PRIMARY KEY,
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    process    TEXT      NOT NULL,
    slot       TEXT      NOT NULL,
    slot_index BIGINT    NOT NULL,
    release    BIGINT    NOT NULL,
    state      TEXT      NOT NULL,
    health     TEXT      NOT NULL,
    node       TEXT      NOT NULL,
    ports      TEXT      NOT NULL,
    restarts   BIGINT    NOT NULL,
    exits      BIGINT    NOT NULL,
    reason     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    passing_at TIMESTAMP,
    since      TIMESTAMP NOT NULL
);
CREATE INDEX instances_by_app ON instances (team, app);

CREATE TABLE jobs (
    team             TEXT   NOT NULL,
    app              TEXT   NOT NULL,
    slot             TEXT   NOT NULL,
    job_modify_index BIGINT NOT NULL,
    blocked          TEXT   NOT NULL,
    PRIMARY KEY (team, app, slot)
);

CREATE TABLE routes (
    team    TEXT      NOT NULL,
    app     TEXT      NOT NULL,
    host    TEXT      NOT NULL,
    path    TEXT      NOT NULL,
    state   TEXT      NOT NULL,
    targets TEXT      NOT NULL,
    targets_any TEXT  NOT NULL,
    since   TIMESTAMP NOT NULL,
    PRIMARY KEY (team, app, host, path)
);

CREATE TABLE routers (
    team    TEXT   NOT NULL,
    app     TEXT   NOT NULL,
    routers BIGINT NOT NULL,
    seen    TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    PRIMARY KEY (team, app)
);

-- Events outlive their app. AUTOINCREMENT: an id is never given twice, even when the highest is deleted.
CREATE TABLE events (
    id         INTEGER   PRIMARY KEY AUTOINCREMENT,
    time       TIMESTAMP NOT NULL,
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    kind       TEXT      NOT NULL,
    release    BIGINT    NOT NULL,
    deployment TEXT      NOT NULL,
    build      TEXT      NOT NULL,
    instance   TEXT      NOT NULL,
    process    TEXT      NOT NULL,
    message    TEXT      NOT NULL
);
CREATE INDEX events_by_app ON events (team, app, id);

CREATE TABLE tokens (
    hash       TEXT      NOT NULL PRIMARY KEY,
    name       TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL
);

-- No foreign key: the first build of an app comes before the app.
CREATE TABLE builds (
    id         TEXT      NOT NULL PRIMARY KEY,
    team       TEXT      NOT NULL,
    app        TEXT      NOT NULL,
    builder    TEXT      NOT NULL,
    main       TEXT      NOT NULL,
    dir        TEXT      NOT NULL,
    source     TEXT      NOT NULL,
    status     TEXT      NOT NULL,
    artifact   TEXT      NOT NULL,
    runtime    TEXT      NOT NULL,
    reason     TEXT      NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    ended_at   TIMESTAMP
);
CREATE INDEX builds_by_source ON builds (source, builder, main, dir);
CREATE INDEX builds_by_status ON builds (status);

-- Numbers that only grow: 'epoch' counts leaders, 'version' numbers the writes of wishes.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('epoch', 0), ('version', 0);

-- +goose Down
DROP TABLE counters;
DROP TABLE builds;
DROP TABLE tokens;
DROP TABLE events;
DROP TABLE routers;
DROP TABLE routes;
DROP TABLE jobs;
DROP TABLE instances;
DROP TABLE claims;
DROP TABLE deployments;
DROP TABLE slots;
DROP TABLE releases;
DROP TABLE apps;
