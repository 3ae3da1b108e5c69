"""Hostile phones: keys that the site certified, in programs that break every rule they can.

`forging` makes entries that no honest program would, `lying` answers a session's questions falsely,
`volley` makes frames that belong nowhere, `phone` brings them to the hubs. What is truly theirs to
do, such as writing a note, they do too. Holds no checkers. Invariant: nothing here touches an
honest machine but by frames.
"""
