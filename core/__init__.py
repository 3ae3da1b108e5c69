"""Fieldlog's values and rules: functions and data, no clock, no socket, no file."""
