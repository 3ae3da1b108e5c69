"""The worker's phone measured: a full store, taps, and how soon its screens are there."""
