"""Recurring jobs in the office: the list, one with its days, its form, and a job's link to it."""
