-- The log of one replica: what it holds of each stream. Ids are bytes; times are ms UTC.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,            -- 'site', 'generation', 'position', 'mine' ...
    value BLOB NOT NULL                -- canonical msgpack
) WITHOUT ROWID;

CREATE TABLE stream (
    stream   BLOB PRIMARY KEY,         -- 12 bytes: seconds since 2020 (4), kind (1), unique (7)
    kind     INTEGER NOT NULL,         -- its fifth byte
    leaf     BLOB NOT NULL,            -- 32 bytes: hash of the sorted heads, summed into digests
    changed  INTEGER NOT NULL,         -- this store's position when an entry last came in
    entries  INTEGER NOT NULL,         -- how many entries are held
    inert    INTEGER NOT NULL,         -- how many of them are inert
    left_at  INTEGER                   -- ms when the hub took it out of scope, or NULL
) WITHOUT ROWID;
CREATE INDEX stream_changed ON stream (changed);
CREATE INDEX stream_day ON stream (substr(stream, 6)) WHERE kind = 5; -- a worker's days

CREATE TABLE log (
    log      INTEGER PRIMARY KEY,      -- local number
    stream   BLOB NOT NULL,            -- the stream it belongs to
    author   BLOB NOT NULL,            -- 32 bytes: public key
    branch   BLOB NOT NULL,            -- empty, or the hash of a fork's first entry
    base     INTEGER NOT NULL,         -- height before its first entry (0 but for a fork)
    base_hash BLOB NOT NULL,           -- 32 bytes: chain hash at base
    height   INTEGER NOT NULL,         -- seq of its last entry
    head     BLOB NOT NULL,            -- 32 bytes: chain hash of its last entry
    seal     INTEGER,                  -- newest seal that covers the head; NULL: own and not sent
    changed  INTEGER NOT NULL,         -- this store's position when it last grew
    UNIQUE (stream, author, branch)
);
CREATE INDEX log_changed ON log (changed);
CREATE INDEX log_author ON log (author);
CREATE INDEX log_seal ON log (seal);

CREATE TABLE entry (
    log    INTEGER NOT NULL,           -- log.log
    seq    INTEGER NOT NULL,           -- 1, 2, 3 ... along the chain
    hash   BLOB NOT NULL,              -- 32 bytes: chain hash at this entry
    body   BLOB NOT NULL,              -- canonical bytes as signed
    arrived INTEGER NOT NULL,          -- ms of this replica's clock when it was committed here
    PRIMARY KEY (log, seq)
) WITHOUT ROWID;
CREATE INDEX entry_hash ON entry (hash);

CREATE TABLE seal (
    seal      INTEGER PRIMARY KEY,
    author    BLOB NOT NULL,           -- 32 bytes: public key
    number    INTEGER NOT NULL,        -- entries the author had made in all when it signed
    leaves    BLOB NOT NULL,           -- n * 32 bytes: hashes of (stream, height, head)
    signature BLOB NOT NULL            -- 64 bytes Ed25519 over the list
);

CREATE TABLE staged (
    stream BLOB NOT NULL,              -- entries that no seal covers yet: outside frontier,
    author BLOB NOT NULL,              -- digest and acks, kept so that a run can be resumed
    seq    INTEGER NOT NULL,
    previous BLOB NOT NULL,            -- 32 bytes: chain hash before it
    hash   BLOB NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (stream, author, seq, hash)
) WITHOUT ROWID;

CREATE TABLE certificate (
    author        BLOB NOT NULL,       -- 32 bytes: the certified public key
    certificate   BLOB NOT NULL,       -- signed bytes
    subject       BLOB NOT NULL,       -- stream id of the worker, or the account's or hub's id
    role          INTEGER NOT NULL,    -- core.dispatch.fields.Role
    session_until INTEGER NOT NULL,    -- ms; judged only by the peer that opens a session
    PRIMARY KEY (author, certificate)
) WITHOUT ROWID;

CREATE TABLE peer (
    peer       BLOB PRIMARY KEY,       -- 32 bytes: public key
    generation BLOB NOT NULL,          -- generation of the peer's store, as it last said
    mark       INTEGER NOT NULL,       -- the peer's position up to which all is held here
    met_at     INTEGER NOT NULL        -- ms of the last session that completed
) WITHOUT ROWID;

CREATE TABLE peer_stream (
    peer   BLOB NOT NULL,              -- what a peer holds, as its acks say
    stream BLOB NOT NULL,
    PRIMARY KEY (peer, stream)
) WITHOUT ROWID;

CREATE TABLE dropped (
    peer   BLOB NOT NULL,              -- a peer that may believe this store to hold
    stream BLOB NOT NULL,              -- a stream that was dropped since; it is told at a meeting
    PRIMARY KEY (peer, stream)
) WITHOUT ROWID;

CREATE TABLE revoked (
    author BLOB PRIMARY KEY            -- keys that the site stream says are revoked
) WITHOUT ROWID;

CREATE TABLE reach (
    stream BLOB NOT NULL,              -- up to which entry of a log a peer has confirmed holding
    peer   BLOB NOT NULL,
    author BLOB NOT NULL,
    branch BLOB NOT NULL,
    height INTEGER NOT NULL,
    PRIMARY KEY (stream, peer, author, branch)
) WITHOUT ROWID;

CREATE TABLE refused (
    number  INTEGER PRIMARY KEY,       -- entries that were refused by name and never stored
    at      INTEGER NOT NULL,          -- ms
    peer    BLOB,                      -- who sent it
    stream  BLOB,
    reason  TEXT NOT NULL              -- the error in words
);
