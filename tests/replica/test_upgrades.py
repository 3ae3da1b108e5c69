"""A program is replaced by another version of it: what it kept unread takes effect by itself.

The later program here is the present one with a format or a field more; the earlier one lacks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import FIELDS, NOTE, PRIORITY, REVOKED, TITLE, Kind, Role
from core.dispatch.reading import PRESENT, Reading
from core.log.entry import MINT
from core.log.session import Stage
from replica.checking import check_store
from replica.replica import Replica
from replica.store import Store
from tests.build import (
    Site,
    agree,
    force,
    fresh_fold,
    hold,
    publish,
    streams_of,
)

LATER = Reading(formats=frozenset({1, 2}), writes=2)
WITHOUT_NOTES = Reading(fields={code: each for code, each in FIELDS.items() if code != NOTE})


def notes(replica: Replica) -> set[str]:
    """The notes that a replica's screens show."""
    return {row[0] for row in replica.store.db.execute("SELECT text FROM note")}


def inert(replica: Replica, stream: bytes) -> int:
    """How many entries of a stream are kept and not counted, as the office's page says it."""
    row = replica.store.db.execute("SELECT inert FROM stream WHERE stream = ?", (stream,))
    return int(row.fetchone()[0])


def values(replica: Replica, stream: bytes, *path: object) -> set[object]:
    """What stands in a register."""
    return {write.value for write in replica.state(stream).registers[path].writes.values()}


def sound(replicas: Iterable[Replica]) -> bool:
    """Whether every row follows from the log, and every state is the fold of it."""
    return all(
        check_store(replica) == []
        and all(
            replica.state(stream).plain() == fresh_fold(replica, stream).plain()
            for stream in streams_of(replica)
        )
        for replica in replicas
    )


def test_what_a_later_program_wrote_takes_effect_after_the_upgrade_without_any_sync(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    phone = site.reopen(phone, LATER)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "from the future"))
    hold(phone, hub)
    assert notes(hub) == set()
    assert inert(hub, job) == 1
    assert [each.inert for each in hub.state(job).entries() if each.inert] == ["of format 2"]
    # Unread, and yet the same entries: their digests agree.
    assert hold(phone, hub).live
    hub = site.reopen(hub, LATER)
    assert notes(hub) == {"from the future"}
    assert inert(hub, job) == 0
    assert agree(phone, hub)
    assert sound((hub, phone))


def test_a_field_that_came_later_takes_effect_after_the_upgrade_without_any_sync(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    hub = site.reopen(hub, WITHOUT_NOTES)
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone.write(acts.add_note(job, "the field is new"))
    assert hold(phone, hub).live
    assert (notes(hub), inert(hub, job)) == (set(), 1)
    hub = site.reopen(hub)
    assert (notes(hub), inert(hub, job)) == ({"the field is new"}, 0)
    assert agree(phone, hub)
    assert sound((hub, phone))


def test_streams_of_a_kind_to_come_are_carried_between_hubs_and_from_phones(
    site: Site, hub: Replica, phone: Replica
) -> None:
    other = site.hub("B")
    stream = site.new_id(Kind.DAY)
    stream = stream[:4] + bytes([max(Kind) + 1]) + stream[5:]
    hub.write([Change(stream, (3_000,), "of a field to come")])
    force(phone, stream, [Change(stream, (3_000,), "of another")], version=2)
    assert hold(phone, hub).live
    assert hold(other, hub).live
    assert inert(other, stream) == 1
    assert values(other, stream, 3_000) == {"of a field to come"}
    assert agree(hub, other)
    assert sound((hub, other, phone))


def test_a_program_without_a_field_does_not_write_it(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    phone = site.reopen(phone, WITHOUT_NOTES)
    with pytest.raises(acts.ActError, match="does not permit"):
        phone.write(acts.add_note(job, "?"))


def test_a_revocation_in_a_later_format_is_carried_out_after_the_upgrade(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    other = site.hub("B")
    hold(other, hub)
    phone.write(acts.add_note(job, "mine"))
    hold(phone, hub)
    force(hub, SITE_STREAM, [Change(SITE_STREAM, (REVOKED, phone.author), True)], version=2)
    hold(other, hub)
    assert hold(phone, other).live
    other = site.reopen(other, LATER)
    assert notes(other) == set()
    assert other.standing(phone.author).revoked
    assert hold(phone, other).stages == (Stage.CLOSED, Stage.CLOSED)
    assert sound((other,))


def test_a_new_hub_whose_certificate_stands_in_a_later_format_is_taken_up(
    site: Site, hub: Replica, phone: Replica, tmp_path: Path
) -> None:
    hub, phone = site.reopen(hub, LATER), site.reopen(phone, LATER)
    identity = site.hub("B").identity
    other = Replica(Store(tmp_path / "B.sqlite"), identity, hub.clock, site.entropy, LATER)
    site.opened.append(other)
    publish(other, identity.own)
    hold(phone, other)
    # The hub has never met the other one: the certificate comes with the entries alone.
    assert hold(phone, hub).live
    assert {certificate.author for certificate in hub.certificates_of(Role.HUB)} == {
        hub.author,
        other.author,
    }


def test_an_earlier_program_put_back_reads_with_its_own_eyes(
    site: Site, hub: Replica, ana: bytes
) -> None:
    hub = site.reopen(hub, LATER)
    job, _ = site.job(hub, "Boiler", ana)
    assert hub.store.db.execute("SELECT title FROM job").fetchall() == [("Boiler",)]
    hub = site.reopen(hub)
    assert inert(hub, job) == 1
    assert hub.store.db.execute("SELECT title FROM job").fetchall() == []
    assert sound((hub,))
    # And goes on writing, in its own format, to the same log.
    hub.write(acts.edit_job(job, {"description": "in the cellar"}))
    hub = site.reopen(hub, LATER)
    shown = hub.store.db.execute("SELECT title, description FROM job").fetchall()
    assert shown == [("Boiler", "in the cellar")]
    assert sound((hub,))


def test_rows_are_made_anew_by_another_program_and_only_by_another(
    site: Site, hub: Replica, ana: bytes
) -> None:
    site.job(hub, "Boiler", ana)

    def title_after(reading: Reading) -> str:
        nonlocal hub
        hub.store.db.execute("UPDATE job SET title = 'by hand'")
        hub = site.reopen(hub, reading)
        return str(hub.store.db.execute("SELECT title FROM job").fetchone()[0])

    assert title_after(PRESENT) == "by hand"
    other_rules = replace(PRESENT, rules=PRESENT.rules + 1)
    assert title_after(other_rules) == "Boiler"
    assert title_after(other_rules) == "by hand"
    assert title_after(PRESENT) == "Boiler"


def test_a_store_that_says_nothing_of_its_reader_is_read_anew(
    site: Site, hub: Replica, ana: bytes
) -> None:
    site.job(hub, "Boiler", ana)
    with hub.store.transaction() as db:
        db.execute("DELETE FROM meta WHERE name = 'reading'")
        db.execute("DELETE FROM job")
    hub = site.reopen(hub)
    assert hub.store.db.execute("SELECT title FROM job").fetchall() == [("Boiler",)]


@pytest.mark.parametrize(
    "other",
    [
        replace(PRESENT, formats=frozenset({1, 2})),
        replace(PRESENT, rules=PRESENT.rules + 1),
        WITHOUT_NOTES,
        replace(PRESENT, fields={**FIELDS, NOTE: replace(FIELDS[NOTE], label="Remark")}),
        replace(PRESENT, fields={**FIELDS, NOTE: replace(FIELDS[NOTE], roles=frozenset())}),
        replace(PRESENT, fields={**FIELDS, TITLE: replace(FIELDS[TITLE], rule=FIELDS[NOTE].rule)}),
    ],
)
def test_programs_that_may_read_otherwise_have_other_marks(other: Reading) -> None:
    assert other.mark != PRESENT.mark


def test_what_a_program_writes_alone_makes_no_other_mark() -> None:
    assert LATER.mark == replace(LATER, writes=1).mark


def test_a_fleet_that_is_upgraded_one_by_one_agrees_all_the_while(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    fleet = [hub, site.hub("B"), phone, site.phone(hub, bo)]

    def meet() -> None:
        hubs, phones = fleet[:2], fleet[2:]
        for _ in range(2):
            assert hold(hubs[1], hubs[0]).live
            for one in phones:
                assert all(hold(one, each).live for each in hubs)

    job, _ = site.job(hub, "Boiler", ana, bo)
    meet()
    for turn in range(len(fleet)):
        fleet[turn] = site.reopen(fleet[turn], LATER)
        for number, writer in enumerate(fleet):
            writer.write(acts.add_note(job, f"{turn}: of {number}"))
        fleet[0].write(acts.edit_job(job, {"title": f"hub A's of turn {turn}"}))
        fleet[1].write(acts.edit_job(job, {"title": f"hub B's of turn {turn}"}))
        meet()
        assert len({replica.state(job).leaf() for replica in fleet}) == 1
        readers = {replica.reading.mark for replica in fleet}
        assert len({replica.state(job).fingerprint() for replica in fleet}) == len(readers)
    assert all(len(notes(replica)) == 16 and inert(replica, job) == 0 for replica in fleet)
    assert values(fleet[2], job, TITLE) == {"hub A's of turn 3", "hub B's of turn 3"}
    assert agree(*fleet)
    assert sound(fleet)


def test_certificates_are_written_so_that_earlier_programs_read_them(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    hold(phone, hub)
    hub = site.reopen(hub, LATER)
    colleague = site.phone(hub, ana)
    hold(colleague, hub)
    colleague.write(acts.add_note(job, "of a phone that the later program let in"))
    hold(colleague, hub)
    assert hold(phone, hub).live
    assert notes(phone) == {"of a phone that the later program let in"}


# --- writing over what a later format says


def test_whoever_reads_a_later_format_replaces_what_was_written_in_it(
    site: Site, hub: Replica, ana: bytes
) -> None:
    reads_both = replace(LATER, writes=1)
    hub = site.reopen(hub, reads_both)
    job, _ = site.job(hub, "Boiler", ana)
    force(hub, job, [Change(job, (PRIORITY,), 3)], version=2)
    hub.write(acts.edit_job(job, {"title": "Boiler, cold"}))
    hub.write(acts.edit_job(job, {"priority": 1}))
    assert values(hub, job, PRIORITY) == {1}
    versions = [placed.entry.version for placed in hub.state(job).entries() if placed.entry]
    # Only what has to be in the later format is: earlier programs read the rest.
    assert versions == [1, 2, 1, 2]


def test_whoever_does_not_read_a_later_format_replaces_nothing_written_in_it(
    site: Site, hub: Replica, ana: bytes
) -> None:
    job, _ = site.job(hub, "Boiler", ana)
    force(hub, job, [Change(job, (PRIORITY,), 3), Change(job, (NOTE, MINT), "x")], version=2)
    hub.write(acts.edit_job(job, {"priority": 1}))
    assert values(hub, job, PRIORITY) == {1}
    hub = site.reopen(hub, LATER)
    assert values(hub, job, PRIORITY) == {1, 3}
    hub.write(acts.edit_job(job, {"priority": 2}))
    assert values(hub, job, PRIORITY) == {2}
