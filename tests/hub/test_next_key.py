"""A phone is asked for a new key: it changes over at its next contact, and loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase
from core.dispatch.next_key import ask_for_key, is_asked, name_next_key, next_keys
from core.log.succession import NextKey
from hub.next_key import follow_keys
from replica.device import Device
from replica.replica import Replica
from tests.build import SettableClock, Site, hold
from tests.core.log.authors import author_of, key_of
from tests.running import HubAtWork, running_phone, synced, until


async def changed_over(phone: Device, old: bytes) -> None:
    """Wait until a phone is in session under another key, and its old one is shut out."""
    await until(lambda: phone.writer.replica.author != old, "the phone has a new key")
    await synced(phone)

    async def is_revoked() -> bool:
        rows = await phone.reader.rows("SELECT author FROM revoked")
        return [row[0] for row in rows] == [old]

    await until(is_revoked, "the old key is shut out, and the phone knows")


@pytest.mark.parametrize("in_session", [True, False])
async def test_a_phone_that_is_asked_goes_on_under_a_new_key_and_loses_nothing(
    tmp_path: Path, hub: HubAtWork, in_session: bool
) -> None:
    clock = SettableClock()
    async with running_phone(tmp_path / "phone", clock) as phone:
        aino = await hub.worker("Aino")
        offer = await hub.offer(aino)
        await phone.enrol(link=offer.link)
        job, turn = await hub.job("Boiler", aino)
        await synced(phone)
        old = phone.writer.replica.author
        if in_session:
            await hub.act(ask_for_key(aino, old))
            await phone.act(acts.set_phase(job, aino, turn, Phase.ON_SITE))
            await changed_over(phone, old)
            await phone.act(acts.set_phase(job, aino, turn, Phase.FINISHED))
            await synced(phone)
    if not in_session:
        await hub.act(ask_for_key(aino, old))
        async with running_phone(tmp_path / "phone", clock, seed="later") as phone:
            await phone.act(acts.set_phase(job, aino, turn, Phase.FINISHED))
            await changed_over(phone, old)
    # Whoever starts it next finds the new key, and the office all of its work.
    async with running_phone(tmp_path / "phone", clock, seed="much later") as phone:
        assert phone.writer.replica.author != old
        await synced(phone)
        assert phone.join_again == ""
        assert await hub.rows("SELECT status FROM job") == [("done",)]
        assert await hub.rows("SELECT sum(inert) FROM stream") == [(0,)]
        assert len(await hub.rows("SELECT * FROM certificate WHERE role = 1")) == 2


def test_nobody_names_another_keys_successor(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone, other = site.phone(hub, ana), site.phone(hub, ana)
    hold(phone, hub)
    hold(other, hub)
    mallory = NextKey(site.site, phone.author, author_of("mallory"), bytes(32))
    # Another phone of the same worker names a successor of this one: it is not the key's own word.
    other.write(name_next_key(ana, mallory, mallory.sign(key_of("mallory"))))
    # And this one names a key that it has not: nobody signed for that.
    phone.write(name_next_key(ana, mallory, bytes(64)))
    hub.write(ask_for_key(ana, phone.author))
    hold(other, hub)
    hold(phone, hub)
    assert is_asked(hub.state(ana), phone.author)
    assert next_keys(hub.state(ana)) == []
    follow_keys(hub, phone.identity.own, agreed=True)
    assert hub.standing(author_of("mallory")).role == 0
    assert not hub.standing(phone.author).revoked
    site.close()


def naming(site: Site) -> tuple[Replica, bytes, Replica, NextKey]:
    """A hub, a worker, and a phone that has named its next key there."""
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    hold(phone, hub)
    named = NextKey(site.site, phone.author, author_of("next"), bytes(32))
    phone.write(name_next_key(ana, named, named.sign(key_of("next"))))
    hold(phone, hub)
    return hub, ana, phone, named


def test_without_being_asked_no_key_is_followed(site: Site) -> None:
    hub, ana, phone, named = naming(site)
    assert next_keys(hub.state(ana)) == [named]
    follow_keys(hub, phone.identity.own, agreed=True)
    assert hub.standing(named.author).role == 0
    hub.write(ask_for_key(ana, phone.author))
    follow_keys(hub, phone.identity.own, agreed=True)
    assert hub.standing(named.author).subject == ana


def test_a_former_key_is_shut_out_only_when_its_successor_agreed_with_the_hub(site: Site) -> None:
    hub, ana, phone, named = naming(site)
    hub.write(ask_for_key(ana, phone.author))
    follow_keys(hub, phone.identity.own, agreed=True)
    successor = replace(phone.identity.own, author=named.author)
    follow_keys(hub, successor, agreed=False)
    assert not hub.standing(phone.author).revoked
    follow_keys(hub, successor, agreed=True)
    assert hub.standing(phone.author).revoked
