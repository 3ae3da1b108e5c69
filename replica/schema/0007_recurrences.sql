-- Recurring jobs: a projection of the recurrences' own streams, which hubs alone hold.

CREATE TABLE recurrence (
    recurrence   TEXT PRIMARY KEY,     -- stream id, 24 hex digits
    number       TEXT NOT NULL,        -- 'A-12', with which the numbers of its jobs begin; '' while it has none
    title        TEXT NOT NULL,        -- of each job
    customer     TEXT NOT NULL,        -- stream id or ''
    worker       TEXT NOT NULL,        -- stream id or '': to whom each job is assigned
    repeats      TEXT NOT NULL,        -- JSON: [how often (1 daily, 2 weekly, 3 monthly), interval, [days]]
    starts       TEXT NOT NULL,        -- '2026-11-23', a local day
    ends         TEXT,                 -- its last day; NULL: endless
    hours        TEXT NOT NULL,        -- JSON: [start, end], minutes of the local day, or null
    zone         TEXT NOT NULL,        -- IANA name: whose days and hours these are
    horizon_days INTEGER NOT NULL,     -- so many days ahead its jobs are made
    skipped      TEXT NOT NULL,        -- JSON list of days that are left out
    frontier     TEXT NOT NULL         -- token: what a form was drawn from
) WITHOUT ROWID;
CREATE INDEX recurrence_customer ON recurrence (customer);
