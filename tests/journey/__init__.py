"""Journeys through real processes, as a browser, a location app and a worker's thumb make them."""
