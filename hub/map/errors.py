"""The errors of the map, each with words that say what to do.

Holds the error tree and no behaviour:

    MapError
    ├── MapFileError    a file that somebody wants to import cannot be used
    └── RegionError     the installed region is damaged or incomplete

Invariant: an error raised from an import has changed nothing that was installed before.
"""

from __future__ import annotations


class MapError(Exception):
    """Something about the map is wrong; the text says what, and what to do."""


class MapFileError(MapError):
    """The file to import is missing, of another kind, damaged, or too large."""


class RegionError(MapError):
    """The installed region cannot be read; importing it again mends it."""
