-- +goose Up
-- The servers on this database. epoch is that of the lead a server has, 0 without one.
CREATE TABLE servers (
    id         TEXT      NOT NULL PRIMARY KEY,
    name       TEXT      NOT NULL,
    address    TEXT      NOT NULL,
    version    TEXT      NOT NULL,
    epoch      BIGINT    NOT NULL,
    started_at TIMESTAMP NOT NULL,
    led_at     TIMESTAMP,
    seen_at    TIMESTAMP NOT NULL
);

-- Uploads and artifacts, for servers that share a database but no disk. A blob is there with all its
-- pieces, or not at all.
CREATE TABLE blobs (
    digest     TEXT      NOT NULL PRIMARY KEY,
    size       BIGINT    NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE blob_pieces (
    digest  TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    content BLOB   NOT NULL,
    PRIMARY KEY (digest, number),
    FOREIGN KEY (digest) REFERENCES blobs (digest) ON DELETE CASCADE
);

-- +goose Down
DROP TABLE blob_pieces;
DROP TABLE blobs;
DROP TABLE servers;
