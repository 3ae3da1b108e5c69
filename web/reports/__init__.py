"""Reports: what a period's jobs and hours add up to, drawn, listed and written to files."""
