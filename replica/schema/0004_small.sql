-- The store small. History in words is made from the entries when it is asked for
-- (replica/history.py); what lists phases across jobs has an index of its own.

DROP TABLE history;

CREATE TABLE author (
    number INTEGER PRIMARY KEY,        -- local number of a key, for tables that name it in every row
    author BLOB NOT NULL UNIQUE        -- 32 bytes: public key
);

CREATE TABLE phase_time (
    job    BLOB NOT NULL,              -- stream id, 12 bytes
    author INTEGER NOT NULL,           -- author.number: the key that wrote it
    phase  INTEGER NOT NULL,           -- core.dispatch.fields.Phase
    at     INTEGER NOT NULL,           -- ms UTC, corrected: when it first wrote it, of what stands
    PRIMARY KEY (job, author, phase)
) WITHOUT ROWID;

-- The hash of an entry follows from its chain, so a row keeps what it is named by (and can be found
-- and proven by in a wrecked file), and no index holds hashes.
CREATE TABLE entry_small (
    log    INTEGER NOT NULL,           -- log.log
    seq    INTEGER NOT NULL,           -- 1, 2, 3 ... along the chain
    hash   BLOB NOT NULL,              -- chain hash: first 8 bytes; where 16 divides seq all 32
    body   BLOB NOT NULL,              -- canonical bytes as signed
    arrived INTEGER,                   -- ms of this replica's clock when it was committed here; NULL: another's
    PRIMARY KEY (log, seq)
) WITHOUT ROWID;
INSERT INTO entry_small
    SELECT log, seq, iif(seq % 16, substr(hash, 1, 8), hash), body, arrived
    FROM entry ORDER BY log, seq;
DROP TABLE entry;
ALTER TABLE entry_small RENAME TO entry;

-- The text that jobs are found by stands in the job's own row; the index keeps no second copy of it.
DROP TABLE job_text;
DROP TABLE job;
CREATE TABLE job (
    local       INTEGER PRIMARY KEY,   -- number in this store, by which job_text names it
    job         TEXT NOT NULL UNIQUE,  -- stream id, 24 hex digits
    number      TEXT NOT NULL,         -- 'A-17', or '~' and six digits of the id until a hub numbers it
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    customer    TEXT NOT NULL,         -- customer id or ''
    place       TEXT NOT NULL,         -- place id or ''
    address     TEXT NOT NULL,
    lat_e7      INTEGER, lon_e7 INTEGER, -- NULL: position not known, worked by hand
    radius_m    INTEGER NOT NULL,
    contact     TEXT NOT NULL,         -- contact's name
    contact_phone TEXT NOT NULL,
    priority    INTEGER NOT NULL,      -- 0 low, 1 normal, 2 high, 3 urgent
    window_start INTEGER, window_end INTEGER, -- ms, NULL: undated
    planned_minutes INTEGER,
    skills      TEXT NOT NULL,         -- JSON list of skill ids
    status      TEXT NOT NULL,         -- 'open', 'in progress', 'done', 'rejected', 'cancelled'
    attention   TEXT NOT NULL,         -- '' or why a person should look: 'all rejected', 'unassigned'
    overridden  INTEGER NOT NULL,      -- 1: status set by the office
    worker      TEXT NOT NULL,         -- worker of the assignment that leads, or ''
    phase       TEXT NOT NULL,         -- its phase in words, '' when unassigned
    reason      TEXT NOT NULL,         -- reason of a rejection or cancellation
    created_at  INTEGER NOT NULL,      -- ms
    updated_at  INTEGER NOT NULL,      -- ms: corrected time of the newest entry that stands
    arrived_at  INTEGER, finished_at INTEGER, -- ms, of the leading assignment
    conflicts   INTEGER NOT NULL,      -- open conflict records
    notes       INTEGER NOT NULL,
    frontier    TEXT NOT NULL          -- basis token
);
CREATE INDEX job_status ON job (status, window_start);
CREATE INDEX job_worker ON job (worker, window_start);
CREATE INDEX job_customer ON job (customer, window_start);
CREATE VIRTUAL TABLE job_text USING fts5 (text, content = '', tokenize = "unicode61 remove_diacritics 2");

-- The rows that screens ask are made anew from the log at the next start.
INSERT INTO meta SELECT 'stale', x'c3' WHERE EXISTS (SELECT 1 FROM stream);
