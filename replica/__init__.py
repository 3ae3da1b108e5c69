"""A copy of the log with a key of its own: store, sync, location and the phone's screens."""
