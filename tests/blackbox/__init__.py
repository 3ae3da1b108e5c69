"""The black box: a phone that is away for a month, killed, full and wrong about the time."""
