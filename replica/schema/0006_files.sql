-- Files that entries name; their bytes lie in a file of their own (files/). `file_ref` is a projection of
-- jobs, the other tables are this store's own.

CREATE TABLE file_ref (
    job     TEXT NOT NULL,             -- stream id, 24 hex digits
    file    TEXT NOT NULL,             -- the id under which the job names it, hex
    address BLOB NOT NULL,             -- 32 bytes: what proves its bytes
    at      INTEGER NOT NULL,          -- ms UTC, corrected: when it was named
    actor   TEXT NOT NULL,             -- who named it: id of an account or a worker
    author  BLOB NOT NULL,             -- 32 bytes: the key that wrote it, whose quota it counts to
    PRIMARY KEY (job, file)
) WITHOUT ROWID;
CREATE INDEX file_ref_address ON file_ref (address);

CREATE TABLE file_held (
    address BLOB NOT NULL,             -- a file
    peer    INTEGER NOT NULL,          -- author.number: a peer that said it holds it whole, committed
    PRIMARY KEY (address, peer)
) WITHOUT ROWID;

CREATE TABLE file_going (
    address BLOB PRIMARY KEY,          -- a file whose bytes go where no stream names it any more
    until_held INTEGER NOT NULL        -- 1: once a hub holds it, for its stream left; 0: it was erased
) WITHOUT ROWID;
