-- What was erased, and what stays of it. `erased` is a projection of the site stream, `erased_time` and
-- `erased_job` are those of the streams of summaries. `only_here` is this store's own and can't be made anew.

CREATE TABLE erased (
    what   TEXT PRIMARY KEY,           -- stream id, 24 hex digits, or 'before' and the kind
    kind   INTEGER NOT NULL,           -- core.dispatch.fields.Kind
    before_at INTEGER,                 -- ms: all of the kind made or dated before; NULL: one stream
    at     INTEGER NOT NULL,           -- ms: when it was erased, by the author's clock, corrected
    actor  TEXT NOT NULL               -- who did it: id of an account, or 'rule'
) WITHOUT ROWID;

CREATE INDEX stream_track ON stream (substr(stream, 6)) WHERE kind = 6; -- a worker's tracks

CREATE TABLE erased_time (
    stream TEXT NOT NULL,              -- the summary's own stream, 24 hex digits
    worker TEXT NOT NULL,
    day    TEXT NOT NULL,              -- a worker-day that was erased
    kind   TEXT NOT NULL,              -- 'travel', 'on site' ... as in time_log
    job    TEXT NOT NULL,              -- job id or ''
    minutes INTEGER NOT NULL,          -- what counted of it
    PRIMARY KEY (stream, worker, day, kind, job)
) WITHOUT ROWID;
CREATE INDEX erased_time_day ON erased_time (day);

CREATE TABLE erased_job (
    stream TEXT NOT NULL,              -- the summary's own stream, 24 hex digits
    job    TEXT NOT NULL,              -- a job that was erased
    number TEXT NOT NULL,              -- 'A-17'
    status TEXT NOT NULL,              -- as it was shown
    minutes INTEGER NOT NULL,          -- what had been counted on it
    PRIMARY KEY (stream, job)
) WITHOUT ROWID;

CREATE TABLE only_here (
    stream TEXT NOT NULL,              -- an erased stream, 24 hex digits
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,           -- ms: when it was written
    field  TEXT NOT NULL,              -- what this phone wrote there that no hub had, in words
    value  TEXT NOT NULL,
    until  INTEGER NOT NULL,           -- ms: it is shown that long, and then goes
    PRIMARY KEY (stream, number)
) WITHOUT ROWID;
