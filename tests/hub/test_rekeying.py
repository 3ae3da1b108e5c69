"""A hub's key is replaced while the site works, and a stolen hub is closed by the site's key."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import REVOKED, Phase
from hub.commands.enrol import configure
from hub.founding import open_hub_replica
from hub.rekeying import close_hub, prepare_rekey
from hub.second_hub import HubRefused
from replica.identity import SITE_KEY_FILE, write_private
from replica.rejoining import put_in_place
from replica.replica import Replica
from tests.build import (
    MINUTE_MS,
    SettableClock,
    Site,
    agree,
    clock_of,
    hold,
    notes_of,
    put,
)
from tests.commands import refused, run
from tests.running import HubAtWork, running_hub, running_phone, synced, until


async def inert(hub: HubAtWork) -> int:
    """How many entries do not stand."""
    ((count,),) = await hub.rows("SELECT sum(inert) FROM stream")
    return int(count)


async def test_phones_follow_a_hub_to_its_new_key_and_nothing_is_lost(tmp_path: Path) -> None:
    clock, folder = SettableClock(), tmp_path / "hub"
    async with running_phone(tmp_path / "phone", clock) as phone:
        async with running_hub(folder, clock) as hub:
            port, old = hub.port, hub.hub.replica.author
            aino = await hub.worker("Aino")
            offer = await hub.offer(aino)
            await phone.enrol(link=offer.link)
            job, turn = await hub.job("Boiler", aino)
            await synced(phone)
        await phone.act(acts.set_phase(job, aino, turn, Phase.FINISHED))
        assert run(configure, "rekey", "--yes", "--data", folder) == 0
        async with running_hub(folder, clock, seed="hub again", port=port) as hub:
            assert hub.hub.replica.author != old
            assert await hub.rows("SELECT author FROM revoked") == [(old,)]
            await synced(phone)
            assert await hub.rows("SELECT title, status FROM job") == [("Boiler", "done")]
            assert await inert(hub) == 0
            await hub.job("Made under the new key", aino)

            async def has_both() -> bool:
                rows = await phone.reader.rows("SELECT title FROM job ORDER BY title")
                return [row[0] for row in rows] == ["Boiler", "Made under the new key"]

            await until(has_both, "the phone has the job that the new key made")
            # The phone's certificate is by the old key, and stands in what that wrote.
            veikko = await hub.worker("Veikko")
            offer = await hub.offer(veikko)
            async with running_phone(tmp_path / "second", clock, seed="second") as second:
                await second.enrol(link=offer.link)
                await synced(second)


@pytest.mark.parametrize("placed", [False, True])
async def test_a_power_cut_while_a_hub_changes_its_key_is_finished_at_the_next_start(
    tmp_path: Path, placed: bool
) -> None:
    clock, folder = SettableClock(), tmp_path / "hub"
    async with running_hub(folder, clock) as hub:
        old = hub.hub.replica.author
        job, _ = await hub.job("Boiler")
        replica = hub.hub.replica
        new = await hub.hub.writer.run(prepare_rekey, replica, folder, clock, replica.entropy)
    if placed:
        put_in_place(folder, replica.entropy)
    for start in ("first start", "second start"):
        async with running_hub(folder, clock, seed=start) as hub:
            assert hub.hub.replica.author == new
            assert await hub.rows("SELECT author FROM revoked") == [(old,)]
            assert await hub.rows("SELECT title FROM job") == [("Boiler",)]
            assert await inert(hub) == 0
            cuts = [log.height for log in hub.hub.replica.state(job).logs.values()]
    assert cuts == [1, 1], "the cut is written once"


async def test_a_hub_without_the_sites_key_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    async with running_hub(folder, SettableClock()):
        pass
    (folder / SITE_KEY_FILE).unlink()
    assert "site's key" in refused(configure, "rekey", "--yes", "--data", folder)
    assert "site's key" in refused(configure, "close", "--yes", "--letter", "B", "--data", folder)
    async with running_hub(folder, SettableClock()) as hub:
        assert await hub.rows("SELECT author FROM revoked") == []
    assert "no hub in" in refused(configure, "rekey", "--data", tmp_path / "nowhere")


async def test_without_a_yes_no_hub_is_closed_and_no_key_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hub"
    async with running_hub(folder, SettableClock()) as hub:
        before = hub.hub.replica.author
    for words in (("rekey",), ("close", "--letter", "B")):
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert "nothing was changed" in refused(configure, *words, "--data", folder)
    async with running_hub(folder, SettableClock()) as hub:
        assert hub.hub.replica.author == before
        assert await hub.rows("SELECT author FROM revoked") == []
    monkeypatch.setattr("sys.stdin", io.StringIO("rekey\n"))
    assert run(configure, "rekey", "--data", folder) == 0
    async with running_hub(folder, SettableClock(), seed="again") as hub:
        assert hub.hub.replica.author != before


async def test_a_hub_that_is_to_be_stolen_tomorrow_is_not_closed(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    async with running_hub(folder, SettableClock()):
        pass
    words = ("close", "--yes", "--letter", "B", "--stolen", "2999-01-01T00:00:00Z")
    assert "lies in the future" in refused(configure, *words, "--data", folder)


class Stolen:
    """Hub A with the site's key, and hub B, which somebody stole and which revokes everybody."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.hub, self.thief = site.hub("A"), site.hub("B")
        write_private(self.folder / SITE_KEY_FILE, site.key.private_bytes_raw())
        ana = site.worker(self.hub, "Ana")
        self.phone = site.phone(self.hub, ana)
        self.job, _ = site.job(self.hub, "Boiler", ana)
        hold(self.phone, self.hub)
        self.phone.write(acts.add_note(self.job, "valve replaced"))
        hold(self.phone, self.hub)
        hold(self.thief, self.hub)
        clock_of(self.thief).pass_ms(MINUTE_MS)
        self.at_ms = self.thief.clock.now_ms()
        for victim in (self.hub, self.phone):
            self.thief.write([Change(SITE_STREAM, (REVOKED, victim.author), True)])

    @property
    def folder(self) -> Path:
        return self.hub.store.path.parent


def revoked(replica: Replica) -> set[bytes]:
    return {row[0] for row in replica.store.db.execute("SELECT author FROM revoked")}


def test_what_a_stolen_hub_revoked_counts_no_more_once_the_sites_key_has_closed_it(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    town = Stolen(site)
    # It refuses sessions with whom it revoked; somebody else brings its word.
    put(town.thief, town.hub, SITE_STREAM)
    assert revoked(town.hub) == {town.hub.author, town.phone.author}
    assert close_hub(town.hub, town.folder, "B", stolen_ms=town.at_ms) == 1
    assert revoked(town.hub) == {town.thief.author}
    assert notes_of(town.hub) == ["valve replaced"]
    assert hold(town.phone, town.hub).live
    third = site.hub("C")
    hold(third, town.hub)
    assert revoked(third) == {town.thief.author}
    hold(town.phone, town.hub)
    assert agree(town.hub, third, town.phone)
    # Whatever it goes on to say, whoever brings it.
    town.thief.write([Change(SITE_STREAM, (REVOKED, third.author), True)])
    put(town.thief, town.hub, SITE_STREAM)
    hold(third, town.hub)
    assert revoked(third) == revoked(town.hub) == {town.thief.author}
    site.close()


def test_phones_that_believed_a_stolen_hub_hear_the_truth_from_the_hubs_new_key(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    town = Stolen(site)
    put(town.thief, town.hub, SITE_STREAM)
    put(town.thief, town.phone, SITE_STREAM)
    close_hub(town.hub, town.folder, "B", stolen_ms=town.at_ms)
    assert not hold(town.phone, town.hub).live
    clock, entropy = clock_of(town.hub), town.hub.entropy
    new = prepare_rekey(town.hub, town.folder, clock, entropy)
    town.hub.close()
    site.opened.remove(town.hub)
    fingerprint = bytes(32)
    hub = open_hub_replica(town.folder, clock, entropy, tls_fingerprint=fingerprint)
    assert hub.author == new
    assert hold(town.phone, hub).live
    assert revoked(hub) == {town.thief.author, town.hub.author}
    assert revoked(town.phone) == revoked(hub)
    assert notes_of(hub) == notes_of(town.phone) == ["valve replaced"]
    assert agree(hub, town.phone)
    hub.close()
    site.close()


def test_who_closes_a_hub_that_is_not_there_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path)
    town = Stolen(site)
    for letter in ("A", "X"):
        with pytest.raises(HubRefused, match="no other hub"):
            close_hub(town.hub, town.folder, letter)
    with pytest.raises(HubRefused, match="site's key"):
        close_hub(town.thief, town.thief.store.path.parent, "A")
    site.close()
