-- Projections: what screens ask. They hold nothing that the log does not, and can be dropped
-- and rebuilt; a stream's rows are rewritten together. Ids are lower-case hex text here, so that
-- a page, a URL and a CSV file can carry them as they are. Times are ms UTC, places 1e-7 degree.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,            -- 'job_dispatch', 'threshold_min', 'site_name' ...
    value TEXT NOT NULL                -- JSON
) WITHOUT ROWID;

CREATE TABLE team    (team TEXT PRIMARY KEY, name TEXT NOT NULL, archived INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE vehicle (vehicle TEXT PRIMARY KEY, name TEXT NOT NULL, plate TEXT NOT NULL, archived INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE skill   (skill TEXT PRIMARY KEY, name TEXT NOT NULL, archived INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE account (
    account  TEXT PRIMARY KEY,         -- 16 hex digits
    name     TEXT NOT NULL,            -- what is typed at sign-in
    password TEXT NOT NULL,            -- encoded Argon2id
    role     TEXT NOT NULL,            -- 'admin', 'dispatcher' or 'manager' (who reads)
    disabled INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE customer (
    customer TEXT PRIMARY KEY,         -- stream id, 24 hex digits
    name     TEXT NOT NULL,
    number   TEXT NOT NULL,
    note     TEXT NOT NULL,
    archived INTEGER NOT NULL,
    frontier TEXT NOT NULL             -- basis token: what a form drawn from this row posts back
) WITHOUT ROWID;

CREATE TABLE customer_place (
    customer TEXT NOT NULL,
    place    TEXT NOT NULL,            -- 16 hex digits
    name     TEXT NOT NULL,
    address  TEXT NOT NULL,
    lat_e7   INTEGER, lon_e7 INTEGER,  -- NULL: position not known
    radius_m INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    PRIMARY KEY (customer, place)
) WITHOUT ROWID;

CREATE TABLE contact (
    customer TEXT NOT NULL,
    contact  TEXT NOT NULL,            -- 16 hex digits
    name     TEXT NOT NULL,
    phone    TEXT NOT NULL,
    email    TEXT NOT NULL,
    archived INTEGER NOT NULL,
    PRIMARY KEY (customer, contact)
) WITHOUT ROWID;

CREATE TABLE worker (
    worker   TEXT PRIMARY KEY,         -- stream id, 24 hex digits
    name     TEXT NOT NULL,
    phone    TEXT NOT NULL,
    team     TEXT NOT NULL,            -- team id or ''
    vehicle  TEXT NOT NULL,            -- vehicle id or ''
    skills   TEXT NOT NULL,            -- JSON list of skill ids
    shift    TEXT NOT NULL,            -- JSON [start minute, end minute] of the local day, or null
    note     TEXT NOT NULL,
    archived INTEGER NOT NULL,
    jobs_on  INTEGER NOT NULL,         -- the phone's own settings (M16-M18), as it last wrote them
    auto_on  INTEGER NOT NULL,
    auto_mode TEXT NOT NULL,           -- 'off', 'suggest', 'timed' or 'automatic'
    threshold_min INTEGER,             -- NULL: the site's own
    frontier TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE job (
    job         TEXT PRIMARY KEY,      -- stream id, 24 hex digits
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
) WITHOUT ROWID;
CREATE INDEX job_status ON job (status, window_start);
CREATE INDEX job_worker ON job (worker, window_start);
CREATE INDEX job_customer ON job (customer, window_start);

CREATE TABLE assignment (
    job     TEXT NOT NULL,
    worker  TEXT NOT NULL,
    turn    TEXT NOT NULL,             -- 16 hex digits
    phase   TEXT NOT NULL,             -- 'assigned', 'received', 'opened', 'accepted', 'travelling', 'on site', 'paused', 'finished', 'rejected', 'withdrawn', 'released'
    reason  TEXT NOT NULL,
    position INTEGER NOT NULL,         -- planned order within the worker's day
    assigned_at INTEGER NOT NULL,      -- ms
    handed_from TEXT NOT NULL,         -- worker who handed it on, or ''
    entry   BLOB NOT NULL,             -- hash of the entry that made it: its reach is the assignment's
    PRIMARY KEY (job, worker, turn)
) WITHOUT ROWID;
CREATE INDEX assignment_worker ON assignment (worker, job);

CREATE TABLE history (
    stream  TEXT NOT NULL,             -- job, customer, worker or day
    number  INTEGER NOT NULL,          -- order of display: corrected time, then hash
    at      INTEGER NOT NULL,          -- ms: the author's clock, corrected by its offset
    author  TEXT NOT NULL,             -- 64 hex digits
    actor   TEXT NOT NULL,             -- who acted: id of an account or a worker, 'rule', or ''
    entry   TEXT NOT NULL,             -- hash, first 16 hex digits
    act     TEXT NOT NULL,             -- act id or ''
    field   TEXT NOT NULL,             -- 'phase', 'window', ...
    path    TEXT NOT NULL,             -- ids of the path, hex, joined by '/'
    value   TEXT NOT NULL,             -- in words
    inert   INTEGER NOT NULL,          -- 1: kept, but does not stand
    PRIMARY KEY (stream, number)
) WITHOUT ROWID;

CREATE TABLE note (
    job    TEXT NOT NULL,
    note   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (job, note)
) WITHOUT ROWID;

CREATE TABLE check_item (
    job TEXT NOT NULL, item INTEGER NOT NULL, text TEXT NOT NULL, ticked INTEGER NOT NULL,
    PRIMARY KEY (job, item)
) WITHOUT ROWID;

CREATE TABLE time_log (
    worker   TEXT NOT NULL,
    day      TEXT NOT NULL,            -- '2026-11-23': the local day it began
    log      TEXT NOT NULL,            -- 16 hex digits
    job      TEXT NOT NULL,            -- job id or ''
    kind     TEXT NOT NULL,            -- 'travel', 'on site', 'break', 'waiting', 'other'
    start_at INTEGER NOT NULL, stop_at INTEGER, -- ms as claimed; NULL: open
    seconds  INTEGER NOT NULL,         -- counted for pay, of disjoint intervals; 0 while open
    source   TEXT NOT NULL,            -- 'manual', 'auto', 'dispatcher', 'correction'
    certainty TEXT NOT NULL,           -- '' or 'uncertain', 'bridged over a reboot', 'overlaps'
    evidence TEXT NOT NULL,            -- JSON: fixes, rule version, threshold
    supersedes TEXT NOT NULL,          -- log id or ''
    superseded INTEGER NOT NULL,       -- 1: kept, shown struck through, not counted
    reason   TEXT NOT NULL,
    actor    TEXT NOT NULL,
    PRIMARY KEY (worker, day, log)
) WITHOUT ROWID;
CREATE INDEX time_log_job ON time_log (job);

CREATE TABLE interval (                -- disjoint for each worker: what counts
    worker TEXT NOT NULL,
    day    TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    log    TEXT NOT NULL,
    end_at INTEGER,                    -- NULL: still open
    kind   TEXT NOT NULL,
    job    TEXT NOT NULL,
    PRIMARY KEY (worker, day, start_at, log)
) WITHOUT ROWID;

CREATE TABLE duty (
    worker TEXT NOT NULL, day TEXT NOT NULL, duty TEXT NOT NULL,
    start_at INTEGER NOT NULL, stop_at INTEGER,
    PRIMARY KEY (worker, day, duty)
) WITHOUT ROWID;

CREATE TABLE track (
    worker TEXT NOT NULL, day TEXT NOT NULL, track TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    fixes TEXT NOT NULL,               -- JSON list of [time_ms, lat_e7, lon_e7, accuracy_m or null]
    PRIMARY KEY (worker, day, track)
) WITHOUT ROWID;

CREATE TABLE conflict (
    stream  TEXT NOT NULL,
    conflict TEXT NOT NULL,            -- id derived from what conflicts, so that it is the same everywhere
    kind    TEXT NOT NULL,             -- 'field', 'double assignment', 'worked after cancel', 'finished after withdrawal'
    field   TEXT NOT NULL,
    shown   TEXT NOT NULL,             -- the value shown, in words
    other   TEXT NOT NULL,             -- JSON list of {value, actor, at}: the others
    PRIMARY KEY (stream, conflict)
) WITHOUT ROWID;

CREATE VIRTUAL TABLE job_text USING fts5 (job UNINDEXED, text, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');
