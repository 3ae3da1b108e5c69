"""`make bench-board`: the board with 20,000 jobs beside its floors."""
