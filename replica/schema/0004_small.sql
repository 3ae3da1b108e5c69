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

-- The rows that screens ask are made anew from the log at the next start.
INSERT INTO meta SELECT 'stale', x'c3' WHERE EXISTS (SELECT 1 FROM stream);
