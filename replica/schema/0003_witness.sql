-- What a hub witnessed: signed records of the heads that it held, and when. They are no entries: no
-- state follows from them, and they do not travel by sync. A phone's store has none.

CREATE TABLE witness (
    witness   INTEGER PRIMARY KEY,     -- local number, in order of signing
    at        INTEGER NOT NULL,        -- ms of the hub's clock
    hub       BLOB NOT NULL,           -- 32 bytes: the key that signed
    leaves    BLOB NOT NULL,           -- n * 32 bytes, ascending: one for each stream that had changed
    signature BLOB NOT NULL            -- 64 bytes Ed25519 over the time and the root of the leaves
);

CREATE TABLE witnessed (
    stream  BLOB NOT NULL,             -- a stream under that witness
    witness INTEGER NOT NULL,          -- witness.witness
    tips    BLOB NOT NULL,             -- n * 16 bytes, ascending: first bytes of the hash of each head that nothing followed
    PRIMARY KEY (stream, witness)
) WITHOUT ROWID;
CREATE INDEX witnessed_by ON witnessed (witness);
