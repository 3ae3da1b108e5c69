"""What was chosen for this phone, and what follows from it and from the network it is in.

Holds no effect: whoever made it is told of each change and asks. Invariant: where a network is not
known, files that wait for a free one go on waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from replica.preferences import Preferences


class PhoneChoices:
    """The choices of one phone; `heed` is called after each change."""

    def __init__(self, folder: Path, heed: Callable[[], Awaitable[None]]) -> None:
        self._preferences = Preferences(folder)
        self._heed = heed
        self.on_mobile_data: bool | None = None

    def __getitem__(self, name: str) -> str:
        """What was chosen of `replica.preferences.CHOICES`."""
        return self._preferences[name]

    @property
    def saves_battery(self) -> bool:
        """Whether the battery is spared."""
        return self._preferences["battery"] == "saving"

    @property
    def files_wait(self) -> bool:
        """Whether photos and files wait until a network is known that is not the mobile one."""
        return self._preferences["media"] == "wi-fi" and self.on_mobile_data is not False

    async def prefer(self, name: str, choice: str) -> bool:
        """Choose; False where there is no such choice. Raises OSError: the disk refused."""
        chosen = self._preferences.choose(name, choice)
        await self._heed()
        return chosen

    async def hear_network(self, on_mobile_data: bool | None) -> None:
        """What the location app says of the network; None: nothing."""
        if on_mobile_data is not None and on_mobile_data != self.on_mobile_data:
            self.on_mobile_data = on_mobile_data
            await self._heed()
