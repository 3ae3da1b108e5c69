"""Running a command in the test's own process, as `fieldlog` does. Holds no assertions of its own
but that a refusal is one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from replica.commandline import CommandError

Configure = Callable[[argparse.ArgumentParser], None]


def run(configure: Configure, *words: object) -> int:
    """Run a command; its exit code."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    return int(arguments.run(arguments) or 0)


def refused(configure: Configure, *words: object) -> str:
    """The one line in which a command refuses."""
    with pytest.raises(CommandError) as refusal:
        run(configure, *words)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)
