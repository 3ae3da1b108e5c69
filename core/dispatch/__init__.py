"""Jobs, assignments, time logs, delays and permissions; no bytes or hashes."""
