"""Asking whether a person means it, where something can't be taken back.

Holds the question alone. Invariant: without the word, or `--yes`, nothing goes on.
"""

from __future__ import annotations

import argparse
import sys

from replica.commandline import CommandError


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Let a command be told beforehand."""
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def see_that_it_is_meant(
    arguments: argparse.Namespace, word: str, otherwise: str = "nothing was changed"
) -> None:
    """Go on only if `word` is typed, or comes as the next line of a pipe, or `--yes` was given.

    `otherwise` is what is said of it if not.

    Raises:
        CommandError: it was not.
    """
    if arguments.yes:
        return
    if sys.stdin.isatty():
        print(f"It can't be taken back. Type {word!r} to go on: ", end="", flush=True)
    if sys.stdin.readline(64).strip() != word:
        raise CommandError(f"{otherwise}: it takes {word!r} as an answer, or --yes")
