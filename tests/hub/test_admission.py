"""What a key wrote after it was shut out: listed, and let count by one act of a dispatcher."""

from __future__ import annotations

import pytest

from core.dispatch import acts
from core.dispatch.acts import SITE_STREAM
from core.dispatch.day_acts import start_duty, start_log, stop_log
from core.dispatch.fields import ADMITTED, CUT, LogKind, Phase
from core.dispatch.workday import logs_of
from core.log.entry import MINT
from hub.admission import admit, waiting
from hub.revocation import shut_out
from replica.history import history_of
from replica.replica import Replica
from tests.build import MINUTE_MS, START_MS, Site, agree, clock_of, hold, put

DAY = "2026-03-02"


class Town:
    """A hub, a phone that it shuts out after its first note, and a courier to bring the rest."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.hub = site.hub()
        self.ana, bo = site.worker(self.hub, "Ana"), site.worker(self.hub, "Bo")
        self.phone, self.courier = site.phone(self.hub, self.ana), site.phone(self.hub, bo)
        self.job, (self.turn, _) = site.job(self.hub, "Boiler", self.ana, bo)
        hold(self.phone, self.hub)
        hold(self.courier, self.hub)
        self.phone.write(acts.set_phase(self.job, self.ana, self.turn, Phase.ON_SITE))
        hold(self.phone, self.hub)
        shut_out(self.hub, self.phone.author)

    def bring(self) -> None:
        """The courier carries what the phone wrote."""
        hold(self.phone, self.courier)
        hold(self.courier, self.hub)

    def phase(self, replica: Replica | None = None) -> list[str]:
        """The phases of Ana's turn that stand, the shown one."""
        rows = (replica or self.hub).store.db.execute(
            "SELECT phase FROM assignment WHERE worker = ?", (self.ana.hex(),)
        )
        return [row[0] for row in rows]

    def admit(self, hub: Replica | None = None) -> int:
        """Let count all that waits on a hub."""
        found = waiting(hub or self.hub)
        return sum(admit(hub or self.hub, each.stream, each.author) for each in found)


def test_what_waits_is_listed_and_counts_once_it_is_admitted(site: Site) -> None:
    town = Town(site)
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.PAUSED))
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    town.bring()
    assert town.phase() == ["on site"]
    ((stream, author, placed),) = [(w.stream, w.author, w.placed) for w in waiting(town.hub)]
    assert (stream, author, len(placed)) == (town.job, town.phone.author, 2)
    assert admit(town.hub, stream, author, actor=b"eva-1234") == 2
    assert town.phase() == ["finished"]
    assert waiting(town.hub) == []
    # What was let count is written anew; the original stands as little as before.
    assert town.hub.state(town.job).inert_count() == 2
    told = [row for row in history_of(town.hub.state(town.job)) if row.field == "admitted"]
    assert {row.value for row in told} == {f"entry {each.stored.hash[:8].hex()}" for each in placed}
    hold(town.courier, town.hub)
    assert town.phase(town.courier) == ["finished"]
    assert agree(town.hub, town.courier)


def test_to_admit_again_changes_nothing(site: Site) -> None:
    town = Town(site)
    town.phone.write(acts.add_note(town.job, "valve replaced"))
    town.bring()
    assert town.admit() == 1
    before = town.hub.state(town.job).fingerprint()
    assert admit(town.hub, town.job, town.phone.author) == 0
    assert town.hub.state(town.job).fingerprint() == before


def test_two_dispatchers_who_admit_the_same_at_two_hubs_come_to_the_same(site: Site) -> None:
    town = Town(site)
    other = site.hub("B")
    hold(other, town.hub)
    town.phone.write(acts.add_note(town.job, "valve replaced"))
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    town.bring()
    hold(other, town.hub)
    assert (town.admit(), town.admit(other)) == (2, 2)
    hold(other, town.hub)
    for hub in (town.hub, other):
        assert town.phase(hub) == ["finished"]
        assert hub.store.db.execute("SELECT text FROM note").fetchall() == [("valve replaced",)]
        assert hub.store.db.execute("SELECT count(*) FROM conflict").fetchone() == (0,)
        assert waiting(hub) == []
    assert agree(town.hub, other)


def test_more_than_one_entry_holds_is_admitted_in_several(site: Site) -> None:
    town = Town(site)
    for number in range(60):
        town.phone.write(acts.add_note(town.job, f"{number} " + "x" * 900))
    town.bring()
    before = town.hub.state(town.job).logs[(town.hub.author, b"")].height
    assert town.admit() == 60
    assert town.hub.state(town.job).logs[(town.hub.author, b"")].height > before + 5
    assert town.hub.store.db.execute("SELECT count(*) FROM note").fetchone() == (60,)
    assert waiting(town.hub) == []


def test_what_a_shut_out_hub_let_stand_is_not_let_stand_by_a_click(site: Site) -> None:
    town = Town(site)
    other = site.hub("B")
    hold(other, town.hub)
    town.phone.write(acts.add_note(town.job, "late"))
    shut_out(town.hub, other.author)
    put(town.phone, other, town.job)
    head = other.state(town.job).logs[(town.phone.author, b"")]
    cut = acts.Change(town.job, (CUT, town.phone.author), [head.height, head.head])
    other.write([cut, *acts.add_note(town.job, "by the other hub")])
    put(other, town.hub, town.job)
    (found,) = [each for each in waiting(town.hub) if each.author == other.author]
    assert admit(town.hub, found.stream, found.author) == 1
    notes = town.hub.store.db.execute("SELECT text FROM note").fetchall()
    assert notes == [("by the other hub",)]


def test_an_admission_overwrites_nothing_that_its_author_had_not_seen(site: Site) -> None:
    town = Town(site)
    town.phone.write(acts.add_note(town.job, "on the phone"))
    note = town.phone.state(town.job).logs[(town.phone.author, b"")].placed[-1].entry
    assert note is not None
    path = note.changes[0][0]
    # The office changes the same note meanwhile, as only a hub can.
    town.hub.write([acts.Change(town.job, path, "in the office")])
    town.bring()
    town.admit()
    register = town.hub.state(town.job).registers[path]
    assert sorted(write.value for write in register.writes.values()) == [
        "in the office",
        "on the phone",
    ]


def test_time_logs_and_duty_keep_the_workers_time_and_source(site: Site) -> None:
    town = Town(site)
    clock_of(town.phone).pass_ms(5 * MINUTE_MS)
    town.phone.write(start_duty(town.ana, DAY, MINT))
    town.phone.write(start_log(town.ana, DAY, town.job, MINT, LogKind.ON_SITE))
    day = acts.day_stream(town.ana, DAY)
    (log,) = logs_of(town.phone.state(day), town.ana)
    clock_of(town.phone).pass_ms(30 * MINUTE_MS)
    town.phone.write(stop_log(town.ana, DAY, town.job, log.log.log_id))
    put(town.phone, town.hub, day)
    assert logs_of(town.hub.state(day), town.ana) == []
    clock_of(town.hub).pass_ms(900 * MINUTE_MS)
    assert town.admit() == 3
    (logged,) = town.hub.store.db.execute("SELECT start_at, stop_at, source FROM time_log")
    assert logged == (START_MS + 5 * MINUTE_MS, START_MS + 35 * MINUTE_MS, "manual")


def test_what_a_hub_wrote_to_the_site_is_not_let_count_by_a_click(site: Site) -> None:
    hub, other = site.hub("A"), site.hub("B")
    hold(other, hub)
    shut_out(hub, other.author)
    other.write(acts.set_setting("threshold_min", 9))
    put(other, hub, SITE_STREAM)
    assert hub.state(SITE_STREAM).inert_count() == 1
    assert waiting(hub) == []
    assert admit(hub, SITE_STREAM, other.author) == 0


def test_only_the_office_may_admit(site: Site) -> None:
    town = Town(site)
    with pytest.raises(acts.ActError):
        town.courier.write([acts.Change(town.job, (ADMITTED, bytes(32)), True)])
