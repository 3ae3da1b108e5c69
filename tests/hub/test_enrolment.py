"""A phone joins over real pinned TLS, or is told in words why not, and then keeps nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from core.dispatch.fields import Role
from core.log.canonical import pack
from hub import code_limits
from hub.code_limits import CodeLimits, TooManyCodes
from hub.enrolment import PENDING_MAX, EnrolmentRefused
from replica import pairing
from replica.device import Device
from replica.identity import IDENTITY_FILE
from replica.joining import HUB_FILE
from replica.screens.port import EnrolmentRefused as JoinRefused
from tests.build import START_MS, SettableClock
from tests.running import HubAtWork, running_hub, running_phone, synced, until

MINUTE_MS = 60_000


def joined_nothing(phone: Device) -> bool:
    """Whether the phone's folder knows no site."""
    return not any((phone.folder / name).exists() for name in (IDENTITY_FILE, HUB_FILE))


async def refused(phone: Device, **how: str) -> str:
    """The words in which joining was refused; nothing of it was kept."""
    with pytest.raises(JoinRefused) as refusal:
        await phone.enrol(**how)
    assert joined_nothing(phone)
    assert phone.worker == ""
    assert not (phone.folder / "store.sqlite").exists()
    return str(refusal.value)


def other_code(code: str) -> str:
    """A code of the right form that nobody made."""
    return ("0" if code[0] != "0" else "1") + code[1:]


async def test_a_phone_joins_by_link_and_syncs(hub: HubAtWork, phone: Device) -> None:
    worker = await hub.worker("Aino")
    offer = await hub.offer(worker)
    await phone.enrol(link=offer.link)
    assert phone.worker == worker.hex()
    await synced(phone)
    assert [row["name"] for row in await phone.reader.rows("SELECT name FROM worker")] == ["Aino"]
    assert hub.hub.enrolments.joined(worker)


async def test_a_phone_joins_by_the_code_as_people_type_it(hub: HubAtWork, phone: Device) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    typed = f" {offer.code.lower().replace('-', '  ')} "
    await phone.enrol(code=typed, address=f" {hub.address} ")
    await synced(phone)


async def test_the_certificate_names_worker_role_and_the_phones_own_tls(
    hub: HubAtWork, phone: Device
) -> None:
    worker = await hub.worker("Aino")
    await phone.enrol(link=(await hub.offer(worker)).link)
    own = phone.writer.replica.identity.own
    assert (own.subject, own.role) == (worker, Role.WORKER)
    assert own.session_until > START_MS + 365 * 86_400_000
    rows = await hub.rows("SELECT role FROM certificate WHERE author = ?", own.author)
    assert rows == [(int(Role.WORKER),)]


async def test_a_wrong_code_is_unknown_to_the_hub(hub: HubAtWork, phone: Device) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    words = await refused(phone, code=other_code(offer.code), address=hub.address)
    assert "does not know this code" in words
    await phone.enrol(code=offer.code, address=hub.address)


@pytest.mark.parametrize("code", ["", "ABC", "UUUU-UUUU-UUUU-UUUU", "Ω" * 16, "0" * 500])
async def test_what_is_no_code_is_said_before_anything_is_sent(phone: Device, code: str) -> None:
    words = await refused(phone, code=code, address="127.0.0.1:1")
    assert "ode" in words


@pytest.mark.parametrize(
    "address", ["", "hub:0", "hub:99999", "a b:1", "[::1", "//evil", "1.2.3:1"]
)
async def test_what_is_no_address_is_said(phone: Device, address: str) -> None:
    words = await refused(phone, code="0000-0000-0000-0000", address=address)
    assert "no address of a hub" in words


@pytest.mark.parametrize("link", ["", "https://example.org", "fieldlog://enrol?v=1", "x" * 9_000])
async def test_a_link_that_is_none_is_said(phone: Device, link: str) -> None:
    assert await refused(phone, link=link or " ")


async def test_a_code_is_good_for_one_phone(
    tmp_path: Path, hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    await phone.enrol(link=offer.link)
    async with running_phone(tmp_path / "second", clock, seed="second") as second:
        assert "used already" in await refused(second, link=offer.link)
        # The typed code belongs to the same offer.
        assert "used already" in await refused(second, code=offer.code, address=hub.address)


async def test_a_code_is_over_after_ten_minutes(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    assert offer.until_ms == clock.now_ms() + 10 * MINUTE_MS
    clock.pass_ms(10 * MINUTE_MS)
    assert "over ten minutes old" in await refused(phone, link=offer.link)
    clock.pass_ms(15 * MINUTE_MS)
    await hub.offer(await hub.worker("Veikko"))
    assert "does not know this code" in await refused(phone, link=offer.link)


async def test_five_wrong_proofs_burn_a_code(hub: HubAtWork, phone: Device) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    locator = pairing.key_from_code(offer.code).locator
    key, nonce = bytes(32), b"\1" * 32
    for tries_left in (4, 3, 2, 1, 0):
        assert (await ask(hub, "begin", [locator, key, nonce]))[0] == 200
        finish = [locator, key, nonce, bytes(32), bytes(32)]
        status, words = await ask(hub, "finish", finish)
        assert status == 403
        assert f"{tries_left} tries are left" in words
    assert "five times" in (await refused(phone, code=offer.code, address=hub.address)).replace(
        "5 times", "five times"
    )


async def ask(hub: HubAtWork, step: str, parts: list[bytes] | bytes) -> tuple[int, str]:
    """One raw request to the enrolment, as any program may send it."""
    body = parts if isinstance(parts, bytes) else pack(parts)
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"https://{hub.address}/enrol/{step}", data=body, ssl=False) as answer,
    ):
        return answer.status, (await answer.read()).decode("utf-8", "replace")


NO_REQUESTS = (
    b"",
    b"\x00",
    b"\xff" * 40,
    pack([]),
    pack([b"", b"", b""]),
    pack([b"x" * 65, b"", b""]),
    pack(["a", "b", "c"]),
    pack([bytes(8), bytes(32), bytes(32), bytes(32), bytes(32)]),
    b"\xdd\xff\xff\xff\xff",
    b"\x91" * 900,
)


@pytest.mark.parametrize("step", ["begin", "finish"])
async def test_bytes_that_are_no_request_are_refused_in_words(hub: HubAtWork, step: str) -> None:
    for body in NO_REQUESTS:
        status, words = await ask(hub, step, body)
        assert (status, len(words) > 10) == (403, True), body
    assert await hub.rows("SELECT count(*) FROM certificate") == [(1,)]


async def test_a_proof_for_keys_of_another_length_is_refused(hub: HubAtWork) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    locator = pairing.key_from_code(offer.code).locator
    assert (await ask(hub, "begin", [locator, b"short", b"nonce"]))[0] == 200
    status, words = await ask(hub, "finish", [locator, b"short", b"nonce", bytes(32), bytes(32)])
    assert (status, "32 bytes" in words) == (403, True)


async def test_a_large_request_is_refused_unread(hub: HubAtWork) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(16_384)

    async with aiohttp.ClientSession() as client:
        url = f"https://{hub.address}/enrol/begin"
        async with client.post(url, data=bytes(2_000), ssl=False) as answer:
            assert answer.status == 413
        # Without a length beforehand no more is read than a request may have.
        async with client.post(url, data=slowly(), ssl=False) as answer:
            assert answer.status == 413


async def test_a_used_code_leaves_its_place_to_the_next(
    hub: HubAtWork, phone: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A depot's phones join one after the other, all within the same minutes.
    monkeypatch.setattr("hub.enrolment.PENDING_MAX", 1)
    first = await hub.offer(await hub.worker("Aino"))
    with pytest.raises(EnrolmentRefused, match="too many enrolments are open"):
        await hub.offer(await hub.worker("Veikko"))
    await phone.enrol(link=first.link)
    await hub.offer(await hub.worker("Veikko"))


async def test_mistyped_codes_are_limited_by_address(
    hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    for number in range(code_limits.MISTYPED_MAX):
        status, _ = await ask(hub, "begin", [number.to_bytes(8, "big"), bytes(32), bytes(32)])
        assert status == 403
    words = await refused(phone, code=offer.code, address=hub.address)
    assert "too many codes" in words
    assert "15 min" in words
    clock.pass_ms(code_limits.WINDOW_MS)
    fresh = await hub.offer(await hub.worker("Veikko"))
    await phone.enrol(code=fresh.code, address=hub.address)


def test_one_machine_has_one_count_whatever_address_it_takes() -> None:
    limits = CodeLimits(lambda: START_MS)
    for number in range(code_limits.MISTYPED_MAX):
        limits.count(f"2001:db8::{number:x}")
    with pytest.raises(TooManyCodes):
        limits.check("2001:db8::ffff")
    limits.check("2001:db8:0:1::1")
    limits.check("10.0.0.1")


def test_floods_from_many_addresses_stay_small() -> None:
    limits = CodeLimits(lambda: START_MS)
    for number in range(code_limits.ADDRESSES_MAX + 500):
        limits.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limits._mistyped) == code_limits.ADDRESSES_MAX


def test_a_clock_that_was_ahead_locks_nobody_out() -> None:
    now = [START_MS + 365 * 86_400_000]
    limits = CodeLimits(lambda: now[0])
    for _ in range(code_limits.MISTYPED_MAX):
        limits.count("10.0.0.1")
    now[0] = START_MS
    limits.check("10.0.0.1")


async def test_another_sites_hub_does_not_know_the_code(
    tmp_path: Path, hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    offer = await hub.offer(await hub.worker("Aino"))
    async with running_hub(tmp_path / "other", clock, seed="other") as other:
        words = await refused(phone, code=offer.code, address=other.address)
        assert "does not know this code" in words
        # The link names the certificate that must answer, and another one does.
        link = pairing.encode_offer(
            replace(pairing.decode_offer(offer.link), addresses=(other.address,))
        )
        assert "another machine answers" in await refused(phone, link=link)
        # Right machine, wrong site: as if a hub's folder had been founded anew.
        asked = pairing.decode_offer((await other.offer(await other.worker("Veikko"))).link)
        stale = pairing.encode_offer(replace(asked, site_key_hash=bytes(32)))
        assert "another site" in await refused(phone, link=stale)


async def test_the_next_address_is_tried_where_another_machine_answers(
    tmp_path: Path, hub: HubAtWork, phone: Device, clock: SettableClock
) -> None:
    offer = pairing.decode_offer((await hub.offer(await hub.worker("Aino"))).link)
    async with running_hub(tmp_path / "other", clock, seed="other") as other:
        several = replace(offer, addresses=(other.address, "127.0.0.1:1", hub.address))
        await phone.enrol(link=pairing.encode_offer(several))
        assert phone.worker


async def test_a_hub_that_is_away_is_named(phone: Device) -> None:
    words = await refused(phone, code="0000-0000-0000-0000", address="127.0.0.1:1")
    assert "no hub answers at 127.0.0.1:1" in words
    assert "check the address" in words


async def test_a_phone_that_has_joined_joins_no_second_site(hub: HubAtWork, phone: Device) -> None:
    await phone.enrol(link=(await hub.offer(await hub.worker("Aino"))).link)
    with pytest.raises(JoinRefused, match="joined a site already"):
        await phone.enrol(link=(await hub.offer(await hub.worker("Veikko"))).link)


async def test_offers_are_bounded_and_old_ones_forgotten(
    hub: HubAtWork, clock: SettableClock
) -> None:
    worker = await hub.worker("Aino")
    for _ in range(PENDING_MAX):
        hub.hub.enrolments.offer(worker)
    with pytest.raises(EnrolmentRefused, match="wait ten minutes"):
        hub.hub.enrolments.offer(worker)
    clock.pass_ms(21 * MINUTE_MS)
    hub.hub.enrolments.offer(worker)


async def test_the_page_hears_that_a_phone_joined(hub: HubAtWork, phone: Device) -> None:
    worker = await hub.worker("Aino")
    offer = await hub.offer(worker)
    assert not hub.hub.enrolments.joined(worker)
    before = hub.hub.feed.seq
    await phone.enrol(link=offer.link)
    assert hub.hub.enrolments.joined(worker)
    await until(lambda: hub.hub.feed.seq > before, "the feed told of it")
