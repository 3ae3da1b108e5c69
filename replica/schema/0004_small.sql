-- The store small. History in words is made from the entries when it is asked for
-- (replica/history.py), and so are the intervals that count of a day and its tracks
-- (replica/projection/day.py); what lists phases across jobs has an index of its own.

DROP TABLE history;
DROP TABLE interval;
DROP TABLE track;

CREATE TABLE author (
    number INTEGER PRIMARY KEY,        -- local number of a key, for tables that name it in every row
    author BLOB NOT NULL UNIQUE        -- 32 bytes: public key
);

-- What peers hold, told by local numbers; the views say it with the keys, as it was before.
CREATE TABLE confirmed (
    log    INTEGER NOT NULL REFERENCES log ON DELETE CASCADE, -- a log that the peer holds
    peer   INTEGER NOT NULL,           -- author.number
    height INTEGER NOT NULL,           -- up to which entry it has confirmed holding it
    PRIMARY KEY (log, peer)
) WITHOUT ROWID;
CREATE TABLE peer_held (
    peer   INTEGER NOT NULL,           -- author.number
    stream BLOB NOT NULL,              -- a stream that it holds, as its acks say
    PRIMARY KEY (peer, stream)
) WITHOUT ROWID;
INSERT OR IGNORE INTO author (author) SELECT peer FROM reach UNION SELECT peer FROM peer_stream;
INSERT INTO confirmed
    SELECT log.log, author.number, reach.height FROM reach
    JOIN log ON log.stream = reach.stream AND log.author = reach.author AND log.branch = reach.branch
    JOIN author ON author.author = reach.peer ORDER BY 1, 2;
INSERT INTO peer_held
    SELECT number, stream FROM peer_stream JOIN author ON author = peer ORDER BY 1, 2;
DROP TABLE reach;
DROP TABLE peer_stream;
CREATE VIEW reach AS
    SELECT log.stream, author.author AS peer, log.author, log.branch, confirmed.height
    FROM confirmed JOIN log ON log.log = confirmed.log JOIN author ON author.number = confirmed.peer;
CREATE TRIGGER reach_gone INSTEAD OF DELETE ON reach BEGIN
    DELETE FROM confirmed WHERE peer = (SELECT number FROM author WHERE author = old.peer) AND log =
        (SELECT log FROM log WHERE stream = old.stream AND author = old.author AND branch = old.branch);
END;
CREATE VIEW peer_stream AS
    SELECT author.author AS peer, peer_held.stream
    FROM peer_held JOIN author ON author.number = peer_held.peer;
CREATE TRIGGER peer_stream_gone INSTEAD OF DELETE ON peer_stream BEGIN
    DELETE FROM peer_held WHERE stream = old.stream
        AND peer = (SELECT number FROM author WHERE author = old.peer);
END;

-- Which logs a key has is asked when a certificate changes, and which streams changed when a hub
-- witnesses them: both may read all.
DROP INDEX log_author;
DROP INDEX stream_changed;

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

-- Time logs and notes are many and repeat the same ids, days and words: their rows hold numbers of
-- words, and the views say them in words, as before.
CREATE TABLE word (
    number INTEGER PRIMARY KEY,        -- local number
    word   TEXT NOT NULL UNIQUE        -- an id in hex, a day, a kind ...; '' too
);
DROP TABLE time_log;
CREATE TABLE time_log_row (
    worker   INTEGER NOT NULL,         -- word.number
    day      INTEGER NOT NULL,         -- word.number of '2026-11-23': the local day it began
    log      BLOB NOT NULL,            -- 8 bytes
    job      INTEGER NOT NULL,         -- word.number of the job's id or ''
    kind     INTEGER NOT NULL,         -- word.number of 'travel', 'on site', 'break', 'waiting', 'other'
    start_at INTEGER NOT NULL, stop_at INTEGER, -- ms as claimed; NULL: open
    seconds  INTEGER NOT NULL,         -- counted for pay, of disjoint intervals; 0 while open
    source   INTEGER NOT NULL,         -- word.number of 'manual', 'auto', 'dispatcher', 'correction'
    certainty INTEGER NOT NULL,        -- word.number of '' or 'uncertain', 'overlaps' ...
    evidence TEXT NOT NULL,            -- JSON: fixes, rule version, threshold
    supersedes INTEGER NOT NULL,       -- word.number of a log's id or ''
    superseded INTEGER NOT NULL,       -- 1: kept, shown struck through, not counted
    reason   TEXT NOT NULL,
    actor    INTEGER NOT NULL,         -- word.number
    PRIMARY KEY (worker, day, log)
) WITHOUT ROWID;
CREATE INDEX time_log_job ON time_log_row (job);
CREATE VIEW time_log AS
    SELECT its_worker.word AS worker, its_day.word AS day, lower(hex(log)) AS log,
           its_job.word AS job, (SELECT word FROM word WHERE number = kind) AS kind,
           start_at, stop_at, seconds, (SELECT word FROM word WHERE number = source) AS source,
           (SELECT word FROM word WHERE number = certainty) AS certainty, evidence,
           (SELECT word FROM word WHERE number = supersedes) AS supersedes, superseded, reason,
           (SELECT word FROM word WHERE number = actor) AS actor
    FROM time_log_row JOIN word AS its_worker ON its_worker.number = time_log_row.worker
    JOIN word AS its_day ON its_day.number = time_log_row.day
    JOIN word AS its_job ON its_job.number = time_log_row.job;
DROP TABLE note;
CREATE TABLE note_row (
    job    INTEGER NOT NULL,           -- word.number
    note   BLOB NOT NULL,              -- 8 bytes
    at     INTEGER NOT NULL,           -- ms UTC
    actor  INTEGER NOT NULL,           -- word.number
    text   TEXT NOT NULL,
    PRIMARY KEY (job, note)
) WITHOUT ROWID;
CREATE VIEW note AS
    SELECT its_job.word AS job, lower(hex(note)) AS note, at,
           (SELECT word FROM word WHERE number = actor) AS actor, text
    FROM note_row JOIN word AS its_job ON its_job.number = note_row.job;

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
