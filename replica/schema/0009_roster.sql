-- Who is absent when, and who drives what on a day that is unlike the others: of the workers' streams.

CREATE TABLE absence (
    worker  TEXT NOT NULL,             -- stream id
    absence TEXT NOT NULL,             -- 16 hex digits
    first   TEXT NOT NULL,             -- '2026-11-23': the first local day of it
    last    TEXT NOT NULL,             -- its last one; before the first: it covers no day
    kind    INTEGER NOT NULL,          -- 1 holiday, 2 sick, 3 other; a later version may add to them
    note    TEXT NOT NULL,             -- for the office and the worker
    PRIMARY KEY (worker, absence)
) WITHOUT ROWID;

CREATE TABLE vehicle_day (
    worker  TEXT NOT NULL,             -- stream id
    day     TEXT NOT NULL,             -- '2026-11-23', a local day
    vehicle TEXT NOT NULL,             -- vehicle id, or '': none on that day
    PRIMARY KEY (worker, day)
) WITHOUT ROWID;
CREATE INDEX vehicle_day_day ON vehicle_day (day);
