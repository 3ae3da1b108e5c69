"""Scenarios: what a simulated site is to live through, as files that people write.

`scenario` is the shape, `reading` reads a file, `shipped` lists those that come with the program.
"""
