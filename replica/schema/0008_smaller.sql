-- The log smaller: a log's row names its author by a local number, and keeps no hash that follows from
-- the site, the stream and the author. The view says the key, as it was before.

INSERT OR IGNORE INTO author (author) SELECT DISTINCT author FROM log ORDER BY log;
CREATE TABLE log_before AS SELECT * FROM log;
CREATE TABLE confirmed_before AS SELECT * FROM confirmed;
DROP TABLE confirmed;
DROP TABLE log;
CREATE TABLE log_row (
    log      INTEGER PRIMARY KEY,      -- local number
    stream   BLOB NOT NULL,            -- the stream it belongs to
    author   INTEGER NOT NULL,         -- author.number
    branch   BLOB NOT NULL,            -- empty, or the hash of a fork's first entry
    base     INTEGER NOT NULL,         -- height before its first entry (0 but for a fork)
    base_hash BLOB,                    -- 32 bytes: chain hash at base; NULL: of a log that is no branch
    height   INTEGER NOT NULL,         -- seq of its last entry
    head     BLOB NOT NULL,            -- 32 bytes: chain hash of its last entry
    seal     INTEGER,                  -- newest seal that covers the head; NULL: own and not sent
    changed  INTEGER NOT NULL,         -- this store's position when it last grew
    UNIQUE (stream, author, branch)
);
CREATE TABLE confirmed (
    log    INTEGER NOT NULL REFERENCES log_row ON DELETE CASCADE, -- a log that the peer holds
    peer   INTEGER NOT NULL,           -- author.number
    height INTEGER NOT NULL,           -- up to which entry it has confirmed holding it
    PRIMARY KEY (log, peer)
) WITHOUT ROWID;
INSERT INTO log_row
    SELECT log, stream, author.number, branch, base, iif(branch = x'', NULL, base_hash), height, head,
           seal, changed
    FROM log_before JOIN author ON author.author = log_before.author ORDER BY log;
INSERT INTO confirmed SELECT log, peer, height FROM confirmed_before ORDER BY log, peer;
DROP TABLE log_before;
DROP TABLE confirmed_before;
CREATE INDEX log_changed ON log_row (changed);
CREATE INDEX log_seal ON log_row (seal);
CREATE VIEW log AS
    SELECT log_row.log, log_row.stream, author.author, log_row.branch, log_row.base, log_row.base_hash,
           log_row.height, log_row.head, log_row.seal, log_row.changed
    FROM log_row JOIN author ON author.number = log_row.author;

-- The words of a note stand in the log, word for word; its row says where.
DROP VIEW note;
DROP TABLE note_row;
CREATE TABLE note_row (
    job    INTEGER NOT NULL,           -- word.number
    note   BLOB NOT NULL,              -- 8 bytes
    at     INTEGER NOT NULL,           -- ms UTC
    actor  INTEGER NOT NULL,           -- word.number
    text   TEXT,                       -- NULL: it stands in an entry
    log    INTEGER,                    -- log_row.log
    seq    INTEGER,                    -- which entry
    first  INTEGER, bytes INTEGER,     -- where its body has the text, in UTF-8; the first byte is 1
    PRIMARY KEY (job, note)
) WITHOUT ROWID;
CREATE VIEW note AS
    SELECT its_job.word AS job, lower(hex(note)) AS note, at,
           (SELECT word FROM word WHERE number = actor) AS actor,
           coalesce(text, (SELECT CAST(substr(body, first, bytes) AS TEXT) FROM entry
                           WHERE entry.log = note_row.log AND entry.seq = note_row.seq)) AS text
    FROM note_row JOIN word AS its_job ON its_job.number = note_row.job;
