"""The command `fieldlog`, with commands that a distribution on the path declares."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from replica.commandline import main

ROOT = Path(__file__).parents[2]
COMMANDS = '''
"""Commands of a distribution that is installed for these tests."""

import argparse

from replica.commandline import CommandError


def count(parser: argparse.ArgumentParser) -> None:
    """Count streams.

    More about it.
    """
    parser.add_argument("--upto", type=int, default=3, help="the last number")
    parser.add_argument("--only", help="one stream")
    parser.set_defaults(run=lambda arguments: print(f"counted {arguments.upto}"))


def refuse(parser: argparse.ArgumentParser) -> None:
    """Refuse in words."""
    parser.set_defaults(run=_refuse)


def _refuse(arguments: argparse.Namespace) -> int:
    raise CommandError("the folder is in use; stop the other hub first")


def fail(parser: argparse.ArgumentParser) -> None:
    """End with a code of its own."""
    parser.set_defaults(run=lambda arguments: 3)


def wait(parser: argparse.ArgumentParser) -> None:
    """Wait for Ctrl-C."""
    parser.set_defaults(run=_wait)


def _wait(arguments: argparse.Namespace) -> int:
    import threading

    print("waiting", flush=True)
    threading.Event().wait()
    return 0


def broken(parser: argparse.ArgumentParser) -> None:
    """Say nothing of what to run."""
'''
ENTRY_POINTS = """[fieldlog.commands]
count = planted_commands:count
refuse = planted_commands:refuse
fail = planted_commands:fail
wait = planted_commands:wait
broken = planted_commands:broken
chart = planted_chart:chart
"""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with a distribution of the same name, which shadows an installed one."""
    (tmp_path / "planted_commands.py").write_text(COMMANDS)
    (tmp_path / "planted_chart.py").write_text("import a_library_that_is_not_installed\n")
    described = tmp_path / "fieldlog-9.8.7.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: fieldlog\nVersion: 9.8.7\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def say(installed: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Give words to `fieldlog` and get its exit code, output and errors."""

    def said(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return said


def test_alone_it_lists_the_commands_with_a_line_each(say: Say) -> None:
    code, out, err = say()
    assert (code, err) == (0, "")
    assert "  count   Count streams.\n" in out
    assert "More about it" not in out


def test_a_command_that_lacks_a_package_says_what_to_install(say: Say) -> None:
    words = "chart needs a_library_that_is_not_installed: pip install 'fieldlog[hub]'"
    assert f"  chart   ({words})\n" in say()[1]
    assert say("chart") == (2, "", f"fieldlog: {words}\n")
    assert say("count")[0] == 0


def test_a_command_runs_with_its_options(say: Say) -> None:
    assert say("count") == (0, "counted 3\n", "")
    assert say("count", "--upto", "7") == (0, "counted 7\n", "")
    assert say("fail")[0] == 3


def test_an_unknown_command_is_answered_with_the_nearest_one(say: Say) -> None:
    assert say("cuont") == (
        2,
        "",
        "fieldlog: there is no command 'cuont'; did you mean `count`?\n",
    )
    assert say("xyzzy")[2] == (
        "fieldlog: there is no command 'xyzzy'; `fieldlog` alone lists the commands\n"
    )
    assert "options stand after the command" in say("--upto")[2]


def test_what_cannot_be_done_is_one_line_and_exit_code_2(say: Say) -> None:
    assert say("refuse") == (2, "", "fieldlog: the folder is in use; stop the other hub first\n")


def test_wrong_options_are_one_line_that_names_the_help(say: Say) -> None:
    code, _, err = say("count", "--upto", "many")
    assert code == 2
    assert err == (
        "fieldlog: argument --upto: invalid int value: 'many' (see `fieldlog count --help`)\n"
    )


def test_help_of_a_command_opens_with_its_line(
    say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        say("count", "--help")
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "usage: fieldlog count [-h] [--upto UPTO] [--only ONLY]\n\nCount streams.\n"
    )


def test_help_says_what_is_taken_where_an_option_is_left_out(
    say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        say("count", "--help")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1].strip() for line in lines if "--upto" in line][-1] == (
        "the last number (default: 3)"
    )
    assert not any("None" in line for line in lines)


def test_a_command_that_runs_nothing_points_to_its_help(say: Say) -> None:
    assert say("broken") == (2, "", "fieldlog: say which: see `fieldlog broken --help`\n")


def test_version_is_that_of_the_distribution(say: Say) -> None:
    assert say("--version") == (0, "fieldlog 9.8.7\n", "")


def test_ctrl_c_ends_it_silently_with_130(installed: Path) -> None:
    path = os.pathsep.join([str(installed), str(ROOT)])
    started = "import sys; from replica.commandline import main; sys.exit(main(['wait']))"
    with subprocess.Popen(
        [sys.executable, "-c", started],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Also where this test runs in the background, for which shells turn Ctrl-C off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "waiting\n"
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (130, "", "")


def test_a_reader_that_has_enough_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "from replica.commandline import main; raise SystemExit(main([]))"],
        stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
