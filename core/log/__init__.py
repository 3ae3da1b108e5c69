"""Streams, entries, registers, frontiers and sessions; no jobs."""
