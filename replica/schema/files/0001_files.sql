-- Bytes of files, beside the log: photos and signatures that entries name by their addresses. The log's
-- store says which are named and who holds them; a file here counts once none of its chunks is missing.

CREATE TABLE file (
    file    INTEGER PRIMARY KEY,       -- local number
    address BLOB NOT NULL UNIQUE,      -- 32 bytes: BLAKE2b-256 of the list
    size    INTEGER NOT NULL,          -- bytes of the whole file
    list    BLOB NOT NULL,             -- canonical bytes of the list: size and hash of each chunk
    missing INTEGER NOT NULL           -- how many chunks are not here; 0: held whole
);

CREATE TABLE chunk (
    file    INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
    number  INTEGER NOT NULL,          -- 1, 2, 3 ... as the list has them
    bytes   BLOB NOT NULL,             -- 65,536, the last chunk less
    PRIMARY KEY (file, number)
);

CREATE TABLE wanted (
    address BLOB PRIMARY KEY,          -- a file that somebody asked for, until it is here; empty: this file
                                       -- was gone and made anew, so all that the log names was lost
    at      INTEGER NOT NULL           -- ms when it was first asked for
) WITHOUT ROWID;
