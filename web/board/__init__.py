"""The dispatcher's board: table, map and detail pane on one page."""
