"""A live site on this machine: a hub, phones that move on real roads, and a day of work."""
