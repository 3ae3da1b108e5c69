-- Saved views of the board: a projection of the office stream, which hubs alone hold.

CREATE TABLE saved_view (
    view     TEXT PRIMARY KEY,         -- 16 hex digits
    name     TEXT NOT NULL,
    query    TEXT NOT NULL,            -- the board's address without '/?': '' is the board as it begins
    owner    TEXT NOT NULL,            -- account id, or '': everybody's at the site
    position INTEGER NOT NULL          -- the smaller stands further up; equal ones by name
) WITHOUT ROWID;
