-- Outlines of places: where one is drawn it bounds the place in place of the circle.

ALTER TABLE customer_place ADD COLUMN
    outline TEXT NOT NULL DEFAULT '';  -- JSON: [lat_e7, lon_e7, ...] of 3 to 64 corners, or '': the circle
ALTER TABLE job ADD COLUMN
    outline TEXT NOT NULL DEFAULT '';  -- JSON as of a place, or '': the circle
