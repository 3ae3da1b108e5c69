"""Mutants at every door: none brings about more than a refusal by name, and nobody else notices."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from core.dispatch import acts
from core.dispatch.fields import CERTIFICATE
from core.log import certificate as certificates
from core.log.canonical import unpack
from core.log.entry import Cursor, decode
from core.log.errors import OverLimit
from core.log.limits import FRAME_BYTES_MAX
from core.log.packing import IN_COLUMNS, MARK
from core.log.session import Close, Stage
from replica import intake
from tests.build import Meeting, Site, agree, hold
from tests.fuzzing import kept
from tests.fuzzing.doors import Door, fault_of
from tests.fuzzing.malformed import ALL_DOORS, malformed, world
from tests.fuzzing.sessions import faults_at, seeds_of

COUNT = 3_000
CORPUS_BYTES_MAX = 200_000


def door_named(name: str) -> Door:
    return next(door for door in ALL_DOORS if door.name == name)


@pytest.mark.parametrize("door", ALL_DOORS, ids=lambda door: door.name)
def test_what_was_kept_for_a_door_is_taken_or_refused_by_name(door: Door) -> None:
    files = kept.kept_at(door.name)
    # A store is too large to be kept.
    assert files or door.make is not None
    assert [fault_of(door, path.read_bytes()) for path in files] == [None] * len(files)


@pytest.mark.parametrize("door", ALL_DOORS, ids=lambda door: door.name)
def test_a_door_takes_what_is_sound(door: Door) -> None:
    taken = []
    for data in door.examples():
        try:
            door.enter(data)
            taken.append(data)
        except door.refusals:
            continue
    assert taken


def test_what_was_kept_for_sessions_is_taken_or_refused_by_name() -> None:
    frames = [path.read_bytes() for path in kept.kept_at(kept.SESSIONS)]
    assert frames
    for point in kept.live_points():
        point.set_back()
        assert [faults_at(point, [data]) for data in frames] == [None] * len(frames)


def test_sound_frames_leave_a_store_as_its_entries_say() -> None:
    for point in kept.live_points():
        point.set_back()
        for data in seeds_of(point):
            assert faults_at(point, [data], thorough=True) is None


def test_no_mutant_finds_a_fault() -> None:
    assert malformed(COUNT, 4_711) == []


def test_the_corpus_is_small() -> None:
    files = [path for path in kept.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < CORPUS_BYTES_MAX


# --- the search itself can fail


def test_a_door_that_lets_an_error_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_index(replica: Any, run: Any) -> bool:
        cursor = Cursor.at_start(run.stream)
        for stored in run.entries:
            for path, _ in decode(stored.body, cursor, stored.hash).changes:
                if path[0] == CERTIFICATE and path[1] == run.author:
                    return True
        return False

    monkeypatch.setattr(intake, "_certified_by", by_index)
    data = (kept.FOLDER / kept.SESSIONS / "fault-stranger-without-ids.bin").read_bytes()
    found = []
    for point in kept.live_points():
        point.set_back()
        found.append(faults_at(point, [data]))
    assert any(fault is not None and "IndexError" in fault for fault in found)


def test_a_door_with_two_spellings_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    door = door_named("certificate")
    data = (kept.FOLDER / "certificate" / "fault-format-is-true.bin").read_bytes()
    assert fault_of(door, data) is None
    monkeypatch.setattr(certificates, "unpack", lambda raw: [1, *unpack(raw)[1:]])
    assert "written otherwise" in (fault_of(door, data) or "")


# --- bombs, and those beside


def deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


@pytest.mark.parametrize(
    "bomb",
    [
        # As earlier versions packed, and as the last of six columns.
        MARK + deflated(bytes(40_000_000)),
        MARK + bytes([IN_COLUMNS]) + 5 * deflated(b"") + deflated(bytes(40_000_000)),
    ],
    ids=["whole", "in columns"],
)
def test_a_packed_bomb_ends_the_session_and_takes_no_more_than_a_frame(bomb: bytes) -> None:
    assert len(bomb) < FRAME_BYTES_MAX
    for point in kept.live_points():
        session = point.twin()
        tracemalloc.start()
        effects = session.receive(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        (end,) = [effect for effect in effects if isinstance(effect, Close)]
        assert isinstance(end.error, OverLimit)
        assert peak_bytes < 4 * FRAME_BYTES_MAX


def test_an_honest_phone_goes_on_beside_one_that_sends_mutants(tmp_path: Path) -> None:
    site = Site(tmp_path)
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, colleague = site.phone(hub, ana), site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    honest = hold(colleague, hub)
    frames = [path.read_bytes() for path in kept.kept_at(kept.SESSIONS)][:30]
    for number, data in enumerate(frames):
        hostile = Meeting(phone, hub).start().run()
        assert hostile.live
        hostile.waiting[1].append(data)
        hostile.run()
        colleague.write(acts.add_note(job, f"note {number}"))
        honest.run()
        assert honest.stages == (Stage.LIVE, Stage.LIVE)
    assert agree(colleague, hub)
    texts = {text for (text,) in hub.store.db.execute("SELECT text FROM note")}
    assert {f"note {number}" for number in range(len(frames))} <= texts
    site.close()


def test_every_state_of_a_session_is_reached() -> None:
    stages = {point.session["stage"] for point in world().points}
    assert stages == set(Stage) - {Stage.CLOSED}
    assert any(point.session["_repair"] is not None for point in world().points)
