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

-- The rows that screens ask are made anew from the log at the next start.
INSERT INTO meta SELECT 'stale', x'c3' WHERE EXISTS (SELECT 1 FROM stream);
