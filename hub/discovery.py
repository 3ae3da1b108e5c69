"""Telling the local network that this hub is here, by multicast DNS.

Holds the announcement alone. What is heard this way is a hint where to knock, never whom to trust:
a replica goes by the fingerprint that its site names, whoever answers at the address.

Invariant: a network that forbids multicast costs the hub a line in its log and nothing else.

Source: RFC 6763 (DNS-based service discovery).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from zeroconf import Error as ZeroconfError
from zeroconf import InterfaceChoice
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

LOGGER = logging.getLogger(__name__)

SERVICE_TYPE: Final = "_fieldlog._tcp.local."
LABEL_BYTES_MAX: Final = 63
"""One label of a name in DNS; longer names of hubs are cut."""
SECONDS_MAX: Final = 10.0
"""Probing and announcing take some two seconds; a network that takes longer is given up."""


class HubAnnouncement:
    """An announcement that lasts as long as it is entered (`async with`).

    `hub_name` is what people read; `addresses` are IP addresses of this machine; `site` and
    `fingerprint` are bytes and go into the TXT record in hex. `interfaces` are the addresses of the
    network cards to use, all by default. `announced` says whether it worked.
    """

    def __init__(
        self,
        hub_name: str,
        addresses: Sequence[str],
        port: int,
        *,
        site: bytes,
        fingerprint: bytes,
        interfaces: Sequence[str] | None = None,
    ) -> None:
        self._hub_name, self._addresses, self._port = hub_name, list(addresses), port
        self._texts = {"v": "1", "site": site.hex(), "fp": fingerprint.hex()}
        self._interfaces = interfaces
        self._zeroconf: AsyncZeroconf | None = None
        self._info: AsyncServiceInfo | None = None

    @property
    def announced(self) -> bool:
        """Whether the network has been told."""
        return self._info is not None

    async def __aenter__(self) -> Self:
        """Announce, within ten seconds or not at all; never raises for what the network does."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await self._announce()
        except (OSError, ZeroconfError, TimeoutError, ValueError) as failure:
            LOGGER.warning(
                "this hub could not announce itself on the network (%s); phones still find it by "
                "its address or its QR code",
                str(failure) or type(failure).__name__,
            )
            await self._close()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye, so that nobody knocks in vain."""
        await self._close()

    async def _announce(self) -> None:
        label = service_label(self._hub_name)
        info = AsyncServiceInfo(
            SERVICE_TYPE,
            f"{label}.{SERVICE_TYPE}",
            parsed_addresses=self._addresses,
            port=self._port,
            properties=self._texts,
            server=f"{socket.gethostname().partition('.')[0] or 'fieldlog'}.local.",
        )
        for interface in self._interfaces or ():
            _check_own(interface)
        self._zeroconf = AsyncZeroconf(
            interfaces=InterfaceChoice.All if self._interfaces is None else list(self._interfaces)
        )
        # Two hubs may have one name; then this one is announced as "name (2)".
        announced = await self._zeroconf.async_register_service(info, allow_name_change=True)
        await announced
        self._info = info

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._info = self._zeroconf, None, None
        if zeroconf is None:
            return
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await zeroconf.async_unregister_all_services()
                await zeroconf.async_close()
        except (OSError, ZeroconfError, TimeoutError) as failure:
            LOGGER.warning("the network could not be told that this hub goes (%s)", failure)


def _check_own(interface: str) -> None:
    """Raise OSError unless it is an address of this machine; zeroconf would leave sockets open."""
    family = socket.AF_INET6 if ":" in interface else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((interface, 0))


def service_label(hub_name: str) -> str:
    """One DNS label of a hub's name: no dots, no control characters, at most 63 bytes."""
    readable = "".join(each for each in hub_name if each.isprintable()).replace(".", " ").strip()
    cut = (readable or "Fieldlog").encode("utf-8", "ignore")[: LABEL_BYTES_MAX - 4]
    return cut.decode("utf-8", "ignore").strip() or "Fieldlog"
