"""A running hub and a running phone, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from replica.device import Device
from tests.build import SettableClock
from tests.running import HubAtWork, running_hub, running_phone


@pytest.fixture
async def hub(tmp_path: Path, clock: SettableClock) -> AsyncIterator[HubAtWork]:
    async with running_hub(tmp_path / "hub", clock) as found:
        yield found


@pytest.fixture
async def phone(tmp_path: Path, clock: SettableClock) -> AsyncIterator[Device]:
    async with running_phone(tmp_path / "phone", clock) as found:
        yield found
