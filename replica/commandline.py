"""The command `fieldlog`: finds the commands that are installed and runs one of them.

Holds no command of its own. A package declares its commands in the entry-point group
`fieldlog.commands`, each as `name = "package.module:configure"`, where

    def configure(parser: argparse.ArgumentParser) -> None:
        '''One line that the list of commands shows.'''
        parser.add_argument(...)
        parser.set_defaults(run=run)            # run(arguments) -> int | None, the exit code

so that nothing here imports upwards and a phone lists what a phone has. Only modules called
`commandline.py` or standing in a folder `commands/` print. Invariant: what a person did wrong is
answered in one line that says what to do, with exit code 2; a traceback means a fault of ours.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any, Final, NoReturn, cast

COMMANDS: Final = "fieldlog.commands"
EXIT_WRONG_USE: Final = 2
# What shells answer for a program that Ctrl-C ended: 128 + SIGINT.
EXIT_INTERRUPTED: Final = 130
# And for one whose reader went away: 128 + SIGPIPE.
EXIT_UNREAD: Final = 141

Configure = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], int | None]


class CommandError(Exception):
    """What was asked for cannot be done; the sentence says why and what to do."""


class CommandUnknown(CommandError):
    """There is no command of this name here."""


class CommandIncomplete(CommandError):
    """The command is known, but a package that it needs is not installed."""


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Says what an option is when it is left out, where it is anything."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, "", []):
            return action.help
        return super()._get_help_string(action)


class _Parser(argparse.ArgumentParser):
    """Argparse that answers with our one line instead of its usage text."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **{"formatter_class": _Help} | options)

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see `{self.prog} --help`)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `fieldlog` with `arguments` (the process's own by default) and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _answer(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our words, such as `head`, has enough of them; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD
    except CommandError as error:
        print(f"fieldlog: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def installed_commands() -> dict[str, EntryPoint]:
    """The commands of all installed packages, by name, in order of name."""
    points = sorted(entry_points(group=COMMANDS), key=lambda point: point.name)
    return {point.name: point for point in points}


def _answer(words: list[str]) -> int:
    commands = installed_commands()
    if not words or words[0] in {"-h", "--help", "help"}:
        print(overview(commands))
        return 0
    if words[0] in {"-V", "--version"}:
        print(f"fieldlog {version('fieldlog')}")
        return 0
    name, *rest = words
    if name not in commands:
        raise CommandUnknown(_unknown(name, list(commands)))
    parser = _Parser(prog=f"fieldlog {name}")
    configure = load(commands[name])
    parser.description = summary(configure)
    configure(parser)
    parsed = parser.parse_args(rest)
    run = cast(Run | None, getattr(parsed, "run", None))
    if run is None:
        raise CommandError(f"say which: see `{parser.prog} --help`")
    return run(parsed) or 0


def overview(commands: dict[str, EntryPoint]) -> str:
    """The text that `fieldlog` alone shows: each command with its line."""
    width = max(map(len, commands), default=0)
    lines = [
        "Fieldlog dispatches field jobs and tracks them, with or without a network.",
        "",
        "usage: fieldlog <command> [options]",
        "",
    ]
    for name, point in commands.items():
        try:
            words = summary(load(point))
        except CommandIncomplete as missing:
            words = f"({missing})"
        lines.append(f"  {name:<{width}}  {words}")
    lines += [
        "",
        "`fieldlog <command> --help` says more; `fieldlog --version` says which.",
    ]
    return "\n".join(lines)


def load(point: EntryPoint) -> Configure:
    """Import the command's `configure`.

    Raises:
        CommandIncomplete: it needs a package of another installation profile.
    """
    try:
        return cast(Configure, point.load())
    except ModuleNotFoundError as missing:
        own = {"core", *(entry.value.split(".")[0] for entry in entry_points(group=COMMANDS))}
        if missing.name is None or missing.name.split(".")[0] in own:
            raise  # a module of ours is missing: that is no matter of installation
        raise CommandIncomplete(
            f"{point.name} needs {missing.name}: pip install 'fieldlog[hub]'"
        ) from missing


def summary(configure: Configure) -> str:
    """The first line of the command's docstring, which the list of commands shows."""
    lines = (configure.__doc__ or "").strip().splitlines()
    assert lines, f"{configure.__module__}.configure has no docstring"
    return lines[0]


def port(text: str) -> int:
    """A port to listen on, as an argument's type."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no port; give a number from 1 to 65535")
    return int(text)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if name.startswith("-"):
        hint = "options stand after the command; `fieldlog` alone lists the commands"
    elif near:
        hint = f"did you mean `{near[0]}`?"
    else:
        hint = "`fieldlog` alone lists the commands"
    return f"there is no command {name!r}; {hint}"
