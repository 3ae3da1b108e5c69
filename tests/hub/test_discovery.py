"""A hub's announcement on a real (loopback) network, and that no network stops a hub."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from hub.discovery import LABEL_BYTES_MAX, SERVICE_TYPE, HubAnnouncement, service_label

SITE = b"\x01" * 32
FINGERPRINT = b"\xfe" * 32


def announcement(
    name: str, address: str = "127.0.0.1", interface: str = "127.0.0.1"
) -> HubAnnouncement:
    return HubAnnouncement(
        name, [address], 8_443, site=SITE, fingerprint=FINGERPRINT, interfaces=[interface]
    )


async def heard(name: str) -> AsyncServiceInfo | None:
    """What another machine hears when it asks for the hub of this name."""
    listener = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        return info if await info.async_request(listener.zeroconf, 2_000) else None
    finally:
        await listener.async_close()


async def test_a_hub_is_heard_with_its_address_site_and_fingerprint() -> None:
    async with announcement("Depot.North") as hub:
        assert hub.announced
        info = await heard("Depot North")
        assert info is not None
        assert info.parsed_addresses() == ["127.0.0.1"]
        assert info.port == 8_443
        assert info.decoded_properties == {
            "v": "1", "site": SITE.hex(), "fp": FINGERPRINT.hex(),
        }  # fmt: skip
    assert not hub.announced


@pytest.mark.parametrize(
    ("address", "interface"), [("127.0.0.1", "203.0.113.200"), ("no address", "127.0.0.1")]
)
async def test_a_network_that_cannot_be_told_costs_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture, address: str, interface: str
) -> None:
    with caplog.at_level(logging.WARNING, logger="hub.discovery"):
        async with announcement("Depot", address, interface) as hub:
            assert not hub.announced
    assert "could not announce itself" in caplog.text


@given(st.text(max_size=100))
def test_a_hub_may_have_any_name(name: str) -> None:
    label = service_label(name)
    assert label
    assert "." not in label
    info = AsyncServiceInfo(SERVICE_TYPE, f"{label} (2).{SERVICE_TYPE}")
    assert info.name == f"{label} (2).{SERVICE_TYPE}"


def test_a_readable_name_is_kept() -> None:
    assert service_label("Depot Nörth") == "Depot Nörth"
    assert service_label("\x00\n.") == "Fieldlog"
    assert len(service_label("Ünï" * 60).encode()) <= LABEL_BYTES_MAX
