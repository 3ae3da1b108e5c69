"""What was done: visits of a period, a worker's day on the map, and what recurs in it."""
