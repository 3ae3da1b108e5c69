"""What this browser side remembers of its own: which version of a job the worker last looked at.

Beside that how pages are to look, and in which language they are read. A small file beside the
store; losing it loses badges, no work. It holds no entry and is never synced. Invariant: the file
is whole after a power cut, being replaced, never edited.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from replica.language import ENGLISH, NAME_BY_LANGUAGE

LOGGER = logging.getLogger(__name__)

MARKS_FILE = "screens.json"
# A phone holds some hundred open jobs; with 200 B each this is 1 MB at most.
JOBS_MAX = 5_000

AS_THE_PHONE: Final = "system"
DISPLAY_CHOICES = {
    "theme": (AS_THE_PHONE, "light", "dark"),
    "text": ("normal", "large", "largest"),
    "language": (AS_THE_PHONE, *NAME_BY_LANGUAGE),
}


class Marks:
    """The file, read once. `seen` is the looked-at values by job and field."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MARKS_FILE
        self._seen: dict[str, dict[str, Any]] = {}
        self._display: dict[str, str] = {}
        self._heard = ENGLISH
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            self._seen = {str(job): dict(values) for job, values in kept["seen"].items()}
            self._display = {
                name: kept["display"][name]
                for name, choices in DISPLAY_CHOICES.items()
                if kept["display"].get(name) in choices
            }
            self.hear(kept.get("heard", ENGLISH), keep=False)
        except FileNotFoundError:
            LOGGER.debug("%s is not there yet", self._path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            LOGGER.warning("%s was not readable (%s); it is begun anew", self._path, error)
            self._seen, self._display = {}, {}

    def seen(self, job: str) -> Mapping[str, Any] | None:
        """What the worker last saw of a job; None where it was never looked at."""
        return self._seen.get(job)

    def display(self, name: str) -> str:
        """How pages are to look: `theme`, `text` or `language`."""
        return self._display.get(name, DISPLAY_CHOICES[name][0])

    @property
    def language(self) -> str:
        """The language (its tag) in which this worker reads: chosen, else the browser's."""
        chosen = self.display("language")
        return self._heard if chosen == AS_THE_PHONE else chosen

    def hear(self, language: str, *, keep: bool = True) -> None:
        """The browser likes this language best; kept, since a notification asks no browser."""
        if language not in NAME_BY_LANGUAGE or language == self._heard:
            return
        self._heard = language
        if not keep:
            return
        try:
            self._save()
        except OSError as error:
            # No page is refused for it; the next start hears it anew.
            LOGGER.warning("the browser's language was not kept: %s", error)

    def look_at(self, job: str, values: Mapping[str, Any]) -> None:
        """Remember that the worker looked at a job with these values."""
        if self._seen.get(job) != values:
            self._seen.pop(job, None)
            self._seen[job] = dict(values)
            while len(self._seen) > JOBS_MAX:
                self._seen.pop(next(iter(self._seen)))
            self._save()

    def forget_others(self, jobs: Iterable[str]) -> None:
        """Drop what is remembered of jobs that are no longer on this phone."""
        held = set(jobs)
        gone = [job for job in self._seen if job not in held]
        for job in gone:
            del self._seen[job]
        if gone:
            self._save()

    def set_display(self, name: str, choice: str) -> None:
        """Choose how pages look; an unknown choice is left alone."""
        if choice in DISPLAY_CHOICES.get(name, ()):
            self._display[name] = choice
            self._save()

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        kept = {"seen": self._seen, "display": self._display, "heard": self._heard}
        draft.write_text(json.dumps(kept), "utf-8")
        draft.replace(self._path)
