"""A phone's day by its battery: fixes, bytes and wake-ups, beside other ways to sample."""
