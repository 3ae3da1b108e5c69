"""What a worker chose for this phone alone: media over mobile data, the battery preset,
whether to carry the map.

A small file beside the store, never synced: it is about this device and its contract, not about the
worker. Holds no effect of a choice. Invariant: an unknown or damaged choice counts as the first.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

LOGGER = logging.getLogger(__name__)

PREFERENCES_FILE: Final = "preferences.json"

CHOICES: Final = {
    "media": ("always", "wi-fi"),
    "battery": ("normal", "saving"),
    "map": ("carry", "leave"),
}


class Preferences:
    """The file, read once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / PREFERENCES_FILE
        self._chosen: dict[str, str] = {}
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            self._chosen = {name: kept[name] for name in CHOICES if kept.get(name) in CHOICES[name]}
        except FileNotFoundError:
            LOGGER.debug("%s is not there yet", self._path)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            LOGGER.warning("%s was not readable (%s); it is begun anew", self._path, error)

    def __getitem__(self, name: str) -> str:
        """What was chosen."""
        return self._chosen.get(name, CHOICES[name][0])

    def choose(self, name: str, choice: str) -> bool:
        """Choose; False where there is no such choice. Raises OSError: the disk refused."""
        if choice not in CHOICES.get(name, ()):
            return False
        chosen = {**self._chosen, name: choice}
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(chosen), "utf-8")
        draft.replace(self._path)
        self._chosen = chosen
        return True
