-- The queue, version 1. Rows are for submissions, chunks, jobs and results; never for a request.
-- Money is in picodollars as decimal text: SQLite's integers end at 64 bits.

CREATE TABLE IF NOT EXISTS submission (
    id TEXT PRIMARY KEY,
    body_hash INTEGER NOT NULL,
    records INTEGER NOT NULL,
    request TEXT NOT NULL,
    deadline_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'cancelled', 'delivered'))
) STRICT;

CREATE TABLE IF NOT EXISTS chunk (
    id INTEGER PRIMARY KEY,
    submission TEXT NOT NULL REFERENCES submission (id),
    pool TEXT NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    object TEXT NOT NULL,
    done BLOB NOT NULL CHECK (length(done) = 1024),
    ok BLOB NOT NULL CHECK (length(ok) = 1024)
) STRICT;

CREATE TABLE IF NOT EXISTS span (
    submission TEXT NOT NULL REFERENCES submission (id),
    seq INTEGER NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    first_slot INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (submission, seq)
) STRICT;

CREATE TABLE IF NOT EXISTS job (
    id INTEGER PRIMARY KEY,
    pool TEXT NOT NULL,
    job_name TEXT NOT NULL UNIQUE,
    token TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    input TEXT NOT NULL UNIQUE,
    manifest TEXT NOT NULL,
    records INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intent', 'uploaded', 'created', 'terminal', 'closed', 'revoked')),
    arn TEXT,
    provider_state TEXT,
    message TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS job_chunk (
    job INTEGER NOT NULL REFERENCES job (id),
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    members BLOB NOT NULL CHECK (length(members) = 1024),
    PRIMARY KEY (job, chunk)
) STRICT;
CREATE INDEX IF NOT EXISTS job_chunk_by_chunk ON job_chunk (chunk);

CREATE TABLE IF NOT EXISTS result (
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    job INTEGER NOT NULL REFERENCES job (id),
    winners BLOB NOT NULL CHECK (length(winners) = 1024),
    object TEXT NOT NULL,
    PRIMARY KEY (chunk, job)
) STRICT;

CREATE TABLE IF NOT EXISTS cost (
    job INTEGER PRIMARY KEY REFERENCES job (id),
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    paid_pico TEXT NOT NULL,
    on_demand_pico TEXT NOT NULL,
    waste_pico TEXT NOT NULL,
    exact INTEGER NOT NULL
) STRICT;
