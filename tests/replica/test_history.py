"""History in words: told of one stream, from its entries, with what does not stand."""

from __future__ import annotations

from core.dispatch import acts, day_acts, fields
from core.dispatch.fields import TITLE, Phase
from core.dispatch.fix import Fix, encode_track
from core.dispatch.next_key import name_next_key
from core.log.entry import MINT
from core.log.frontier import read_token
from core.log.succession import NextKey
from replica.history import history_of, history_since
from replica.reader import Reader
from replica.replica import Replica
from tests.build import START_MS, Site, clock_of, force, hold, streams_of
from tests.core.log.authors import author_of, key_of


def fields_of(replica: Replica, job: bytes) -> list[str]:
    return [row.field for row in history_of(replica.state(job))]


def test_a_late_entry_stands_where_its_clock_puts_it(site: Site) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    job, (turn,) = site.job(hub, "Boiler", ana)
    began = fields_of(hub, job)
    clock_of(hub).pass_ms(60_000)
    hub.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    assert fields_of(hub, job) == [*began, "phase"]
    clock_of(hub).pass_ms(-30_000)
    hub.write(acts.add_note(job, "Made before, written after"))
    assert fields_of(hub, job) == [*began, "note", "phase"]


async def test_a_reader_tells_what_the_writer_would_and_marks_what_does_not_stand(
    site: Site,
) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    job, (turn,) = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    clock_of(phone).pass_ms(60_000)
    phone.write(acts.set_phase(job, ana, turn, Phase.ACCEPTED))
    # No phone may name a job anew, so the hub keeps it and does not follow it.
    force(phone, job, [acts.Change(job, (TITLE,), "Mine")])
    hold(phone, hub)
    async with Reader(hub.store.path) as reader:
        told = await reader.history(job.hex())
        assert told == history_of(hub.state(job))
        assert [row.value for row in told if row.inert] == ["Mine"]
        accepted = next(row for row in told if row.field == "phase")
        assert (accepted.value, accepted.author) == ("accepted", phone.author.hex())
        assert accepted.actor == ana.hex()
        assert await reader.history("00" * 12) == []


async def test_what_a_frontier_covers_is_no_news(site: Site) -> None:
    hub = site.hub()
    job, _ = site.job(hub, "Boiler")
    tips = read_token(hub.state(job).token())
    hub.write(acts.add_note(job, "Key under the mat"))
    assert [row.value for row in history_since(hub.state(job), tips)] == ["Key under the mat"]
    async with Reader(hub.store.path) as reader:
        assert await reader.history_since(job.hex(), tips) == history_since(hub.state(job), tips)
        assert await reader.history_since(job.hex(), []) == await reader.history(job.hex())


def test_tracks_passwords_certificates_and_keys_are_no_history(site: Site) -> None:
    hub = site.hub()
    ana = site.worker(hub, "Ana")
    phone = site.phone(hub, ana)
    hold(phone, hub)
    fix = encode_track([Fix(START_MS, 601_000_000, 249_000_000, 8)])
    day = acts.day_stream(ana, "2026-03-02")
    named = NextKey(site.site, phone.author, author_of("next"), bytes(32))
    phone.write(day_acts.start_duty(ana, "2026-03-02", b"duty0001"))
    phone.write(day_acts.add_fixes(ana, "2026-03-02", fix))
    phone.write([acts.Change(day, (fields.FIXES, MINT), fix)])
    phone.write(name_next_key(ana, named, named.sign(key_of("next"))))
    hub.write(acts.set_account(b"account1", name="Eva", password="scrypt$1$2$3", role="admin"))
    hold(phone, hub)
    silent = {
        fields.FIXES,
        fields.TRACK_FIXES,
        fields.ACCOUNT_PASSWORD,
        fields.CERTIFICATE,
        fields.NEXT_KEY,
    }
    written = set()
    for stream in streams_of(hub):
        state = hub.state(stream)
        entries = [placed.entry for placed in state.entries()]
        codes = [path[0] for entry in entries if entry is not None for path, _ in entry.changes]
        told = [code for code in codes if code not in silent]
        names = [fields.FIELDS[code].name for code in told]
        assert [row.field for row in history_of(state)] == names
        written.update(codes)
    assert silent < written
