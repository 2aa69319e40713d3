-- The queue, version 6. Rows are for submissions, chunks, flushes, attempts and results; for a request only when it brought a
-- key. Money is in picodollars as decimal text: SQLite's integers end at 64 bits. Bitmaps have one bit a slot, 8,192 slots.

CREATE TABLE IF NOT EXISTS pool (
    id INTEGER PRIMARY KEY,
    spec TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE IF NOT EXISTS submission (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    idem_key TEXT,
    body_hash INTEGER NOT NULL,
    records INTEGER NOT NULL,
    request TEXT NOT NULL,
    deadline_ms INTEGER NOT NULL,
    promise TEXT NOT NULL CHECK (promise IN ('guaranteed', 'best_effort')),
    created_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'cancelled', 'delivered')),
    UNIQUE (owner, idem_key)
) STRICT;

CREATE TABLE IF NOT EXISTS chunk (
    id INTEGER PRIMARY KEY,
    pool INTEGER NOT NULL REFERENCES pool (id),
    records INTEGER NOT NULL,
    unsettled INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    object TEXT,
    deadline_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    done BLOB NOT NULL CHECK (length(done) = 1024),
    ok BLOB NOT NULL CHECK (length(ok) = 1024),
    cancelled BLOB NOT NULL CHECK (length(cancelled) = 1024),
    expired BLOB NOT NULL CHECK (length(expired) = 1024),
    redacted BLOB CHECK (length(redacted) = 1024)
) STRICT;
CREATE INDEX IF NOT EXISTS chunk_live ON chunk (deadline_ms, id) WHERE unsettled > 0;
CREATE INDEX IF NOT EXISTS chunk_redacted ON chunk (id) WHERE redacted IS NOT NULL;

CREATE TABLE IF NOT EXISTS tail (
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    first_slot INTEGER NOT NULL,
    records INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    blob BLOB NOT NULL,
    PRIMARY KEY (chunk, first_slot)
) STRICT;

CREATE TABLE IF NOT EXISTS span (
    submission TEXT NOT NULL REFERENCES submission (id),
    seq INTEGER NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    first_slot INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (submission, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS span_by_chunk ON span (chunk);

CREATE TABLE IF NOT EXISTS idem (
    owner TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    day INTEGER NOT NULL,
    body_hash INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (owner, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idem_by_day ON idem (day);

CREATE TABLE IF NOT EXISTS attempt (
    id INTEGER PRIMARY KEY,
    pool INTEGER NOT NULL REFERENCES pool (id),
    lane TEXT NOT NULL CHECK (lane IN ('batch', 'flex', 'on_demand', 'provisioned')),
    job_name TEXT UNIQUE,
    request TEXT,
    input TEXT UNIQUE,
    manifest TEXT,
    records INTEGER NOT NULL,
    bound_pico TEXT,
    hedge INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intent', 'uploaded', 'created', 'terminal', 'closed', 'revoked')),
    arn TEXT,
    provider_state TEXT,
    message TEXT,
    started_ms INTEGER,
    ended_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_open ON attempt (created_ms, id) WHERE state NOT IN ('closed', 'revoked');
CREATE INDEX IF NOT EXISTS attempt_past ON attempt (ended_ms) WHERE lane = 'batch' AND state IN ('closed', 'revoked');

CREATE TABLE IF NOT EXISTS attempt_chunk (
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    members BLOB NOT NULL CHECK (length(members) = 1024),
    PRIMARY KEY (attempt, chunk)
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_chunk_by_chunk ON attempt_chunk (chunk);

CREATE TABLE IF NOT EXISTS result (
    chunk INTEGER NOT NULL REFERENCES chunk (id),
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    winners BLOB NOT NULL CHECK (length(winners) = 1024),
    object TEXT NOT NULL,
    PRIMARY KEY (chunk, attempt)
) STRICT;

-- The chunk is -1 for what is no record's. It is no reference: costs stay when their chunk is forgotten.
CREATE TABLE IF NOT EXISTS cost (
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    chunk INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    paid_pico TEXT NOT NULL,
    on_demand_pico TEXT NOT NULL,
    waste_pico TEXT NOT NULL,
    bound_pico TEXT NOT NULL,
    exact INTEGER NOT NULL,
    PRIMARY KEY (attempt, chunk)
) STRICT;

-- Who pays for a chunk. It is no reference: like its cost it stays when the chunk is forgotten.
CREATE TABLE IF NOT EXISTS charge (
    chunk INTEGER PRIMARY KEY,
    payer TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    most_pico TEXT NOT NULL
) STRICT;

-- What the records of a chunk are for, where somebody said. It is no reference, as a charge is none.
CREATE TABLE IF NOT EXISTS workload (
    chunk INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
