"""Running pip on the office's machine, as a program of its own.

Holds how it is started and what its failure says. Invariant: pip's own words are never lost.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping


class PipFailed(Exception):
    """Pip ended with a failure; the text is the last that it said."""


def run_pip(*words: str, environment: Mapping[str, str] | None = None) -> None:
    """Run pip of this installation with `words`; `environment` adds to the process's own.

    Raises:
        PipFailed: it failed, or there is no pip here.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--disable-pip-version-check", "--no-input"],
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PipFailed("\n".join(done.stdout.strip().splitlines()[-12:]))
