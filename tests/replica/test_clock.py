"""The machine's clocks, also where Android keeps the boot's id to itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from replica.clock import BOOT_ID, SystemClock

NOT_TO_BE_READ = Path("/nowhere/boot_id")


class MovedClock(SystemClock):
    """A clock that somebody has set another hour."""

    def now_ms(self) -> int:
        return super().now_ms() + 3_600_000


@pytest.mark.parametrize("boot_id", [BOOT_ID, NOT_TO_BE_READ])
def test_a_boot_has_one_number_whatever_the_clock_is_set_to(boot_id: Path) -> None:
    assert MovedClock(boot_id).boot() == SystemClock(boot_id).boot()


def test_programs_of_one_boot_agree_on_its_number_where_its_id_is_not_to_be_read() -> None:
    program = (
        "from pathlib import Path; from replica.clock import SystemClock; "
        f"print(SystemClock(Path({str(NOT_TO_BE_READ)!r})).boot())"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=root
    )
    assert int(said.stdout) == SystemClock(NOT_TO_BE_READ).boot()


def test_another_boot_has_another_number(tmp_path: Path) -> None:
    numbers = set()
    for boot in ("6f2c", "9a11"):
        (tmp_path / boot).write_text(f"{boot}\n")
        numbers.add(SystemClock(tmp_path / boot).boot())
    assert len(numbers) == 2
