"""The scenarios that come with the program, by name.

Their files stand beside this one and are data of the package. Holds no reading. Invariant: a
scenario's file is called by its name, with hyphens for spaces.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from pathlib import Path

from simulator.scenario.reading import ScenarioError, read, read_file
from simulator.scenario.scenario import Scenario

_SUFFIX = ".toml"


def shipped_names() -> list[str]:
    """The names of the shipped scenarios as a command line takes them, in order."""
    found = files("simulator.scenario").joinpath("files").iterdir()
    return sorted(each.name.removesuffix(_SUFFIX) for each in found if each.name.endswith(_SUFFIX))


def shipped_text(name: str) -> str:
    """The file of a shipped scenario; `monday rush` and `Monday-rush` are one.

    Raises:
        ScenarioError: none is called so.
    """
    known, wanted = shipped_names(), plain_name(name)
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ScenarioError(f"no scenario is called '{name}'; {hint} (a file's name ends in .toml)")
    path = files("simulator.scenario").joinpath("files", wanted + _SUFFIX)
    return path.read_text(encoding="utf-8")


def shipped(name: str) -> Scenario:
    """A shipped scenario. Raises ScenarioError for a name that none has."""
    return read(shipped_text(name), plain_name(name) + _SUFFIX)


def scenario_of(words: str) -> Scenario:
    """What a command line means: a path where it looks like one, else a shipped scenario's name.

    Raises:
        ScenarioError: there is no such file or name, or the file is no scenario.
    """
    if words.endswith(_SUFFIX) or "/" in words or "\\" in words:
        return read_file(Path(words))
    return shipped(words)


def plain_name(name: str) -> str:
    """A name as files have it: `Monday rush` is `monday-rush`."""
    return "-".join(name.casefold().replace("_", " ").replace("-", " ").split())
