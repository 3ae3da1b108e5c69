"""Where a phone's fixes come from: the formats of location apps, and the port that takes them.

Holds parsers of what other apps send (`owntracks`, `osmand`), the words they share (`report`) and
the loopback intake (`intake`). It decides nothing about jobs and stores nothing.
"""
