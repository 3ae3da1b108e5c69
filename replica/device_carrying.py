"""Files that are carried by hand, as a phone's screens ask for them.

Makes a file for the hub or a colleague, takes one in, and says what is carried for whom. Holds no
format: that is `carrying`'s and `relaying`'s. Invariant: what can't be made or taken in is refused
in words, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from core.log.errors import LogError
from core.sentence import say
from replica.carrying import named_file_for_hub, named_file_of_job, take_in_words
from replica.receivers import NobodyToCarryTo
from replica.relaying import carried_here, given_away
from replica.screens.port import Carrying, CarryRefused

if TYPE_CHECKING:
    from replica.device import Device

T = TypeVar("T")


class DeviceCarrying:
    """What is carried to and from one phone."""

    def __init__(self, device: Device) -> None:
        self._device = device

    async def file_for_hub(self) -> tuple[str, bytes]:
        """A file for the hub and a name for it. Raises CarryRefused in words."""
        return await self._carry(named_file_for_hub)

    async def file_of_job(self, job: bytes, colleague: bytes) -> tuple[str, bytes]:
        """A small file with a job that was handed on, for the colleague's phone, and its name.

        Raises CarryRefused in words.
        """
        return await self._carry(named_file_of_job, job, colleague)

    async def take_file(self, data: bytes) -> str:
        """Take in a file that was carried here; what it brought. Raises CarryRefused in words."""
        words = await self._carry(take_in_words, data)
        self._device.announce()
        return words

    async def shown(self) -> Carrying:
        """What this phone carries for others, and which colleagues carry something of its own."""
        if not self._device.has_joined:
            return Carrying((), ())
        writer = self._device.writer
        replica = writer.replica
        return await writer.run(lambda: Carrying(carried_here(replica), given_away(replica)))

    async def put_away(self, file: str) -> None:
        """Carry a file for others no longer; an unknown one is a no-op. Raises StoreError."""
        writer = self._device.writer
        await writer.run(writer.replica.kept.drop, bytes.fromhex(file))
        self._device.announce()

    async def _carry(self, function: Callable[..., T], *args: object) -> T:
        if not self._device.has_joined:
            raise CarryRefused(say("This phone has not joined a site yet"))
        writer = self._device.writer
        try:
            return await writer.run(function, writer.replica, *args)
        except (LogError, NobodyToCarryTo) as error:
            raise CarryRefused(str(error)) from error
