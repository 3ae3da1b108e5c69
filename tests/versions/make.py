"""Makes the site of one version of the program: stores, bytes, and what that version made of them.

Runs under the program of any version since the first light, so it uses only what all of them have.
`tests/fixtures/versions/` was made so, each version by its own program:

    git worktree add ../then COMMIT
    PYTHONPATH=../then python tests/versions/make.py tests/fixtures/versions/vN

    v1  80eaa4a  schema 2; frames plain, repair by lists of heads
    v2  ce5ed8e  schema 3; frames packed, repair by the digest tree; witnesses, hub addresses

`states.json` is what that program itself made of the entries, and what it made of them when it was
told to read format 2 too. A version that was made is never made again: it stands for what lies on
people's devices. Holds no assertions. Invariant: the same program makes the same bytes.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.dispatch import acts, day_acts, fields
from core.dispatch.acts import Change
from core.dispatch.fields import Kind, LogKind, Phase
from core.dispatch.fix import Fix, encode_track
from core.log.canonical import pack
from core.log.chain import chain_next
from core.log.entry import MINT
from core.log.stream import Stored
from replica import logs
from replica.identity import IDENTITY_FILE, KEY_FILE
from replica.replica import Replica, Touched
from tests.build import MINUTE_MS, Meeting, Site, clock_of, force, hold

DAY = "2026-03-02"
SEED = "versions"
STORE_FILE = "store.sqlite"

if find_spec("core.dispatch.reading"):
    from core.dispatch.reading import Reading

    LATER: Any = Reading(formats=frozenset({1, 2}))
else:
    LATER = frozenset({1, 2})


def lived_in(site: Site) -> tuple[Replica, Replica, dict[str, Meeting]]:
    """A site with a bit of everything: its hub, Ana's phone, and sessions of the two.

    Conflicts, a fork, a revoked key with entries beyond its cut, entries that are inert for each
    reason there is, a stream that left the phone, and entries that the phone has not sent yet.
    """
    hub = site.hub()
    ana, bo = site.worker(hub, "Ana"), site.worker(hub, "Bo")
    phone, other = site.phone(hub, ana), site.phone(hub, bo)
    customer, place = site.new_id(Kind.CUSTOMER), site.entropy(8)
    hub.write(acts.edit_customer(customer, {"name": "Novak", "note": "Ring twice"}))
    hub.write(acts.edit_place(customer, place, {"name": "Yard", "point": (1, 2), "radius": 80}))
    hub.write(acts.set_setting("threshold_min", 7))
    hub.write(acts.set_group("team", site.entropy(8), "North"))
    job, turns = site.job(hub, "Boiler", ana, bo)
    hub.write(acts.edit_job(job, {"customer": customer, "check_items": ["valve", "pump"]}))
    gone, (turn,) = site.job(hub, "For Bo after all", ana)
    hub.write(acts.cancel_job(site.job(hub, "Never mind", ana)[0], "sold"))
    first = hold(phone, hub)
    hold(other, hub)
    other.write(acts.add_note(job, "Bo's"))
    other.write(acts.add_note(job, "written after the phone was lost"))
    phone.write(acts.set_phase(gone, ana, turn, Phase.RECEIVED))
    disagree(hub, job)
    fork(site, hub, phone, job)
    work(phone, ana, job, turns[0])
    keep_unread(hub, phone, other, job)
    hub.write(acts.withdraw(gone, ana, turn, "Bo is nearer"))
    assert hold(other, hub).live
    revoke_before_the_end(hub, other, job)
    speak_as_now(hub)
    assert hold(phone, hub).live
    again = repair(hub, phone, job)
    phone.write(acts.add_note(job, "not sent yet"))
    return hub, phone, {"first": first, "repair": again}


def disagree(hub: Replica, job: bytes) -> None:
    """Two dispatchers at once, from the same page."""
    token = hub.state(job).token()
    hub.write(acts.edit_job(job, {"title": "Eva's"}), actor=b"eva", basis={job: token})
    hub.write(acts.edit_job(job, {"title": "Dan's"}), actor=b"dan", basis={job: token})


def fork(site: Site, hub: Replica, phone: Replica, job: bytes) -> None:
    """A copy of the phone writes under its key."""
    twin = site.clone(phone)
    for minutes, writer in enumerate((phone, twin), 1):
        clock_of(writer).pass_ms(minutes * MINUTE_MS)
        writer.write(acts.add_note(job, f"note {minutes}"))
    hold(twin, hub)
    hold(phone, hub)


def work(phone: Replica, ana: bytes, job: bytes, turn: bytes) -> None:
    """Half an hour on site, with its track."""
    log = b"log-0001"
    phone.write(day_acts.start_duty(ana, DAY, b"duty0001"))
    phone.write(acts.set_phase(job, ana, turn, Phase.ON_SITE))
    phone.write(day_acts.start_log(ana, DAY, job, log, LogKind.ON_SITE))
    clock_of(phone).pass_ms(30 * MINUTE_MS)
    phone.write(day_acts.stop_log(ana, DAY, job, log))
    phone.write(acts.set_phase(job, ana, turn, Phase.FINISHED))
    phone.write(acts.set_tick(job, 1, True))
    fixes = [Fix(clock_of(phone).now_ms(), 501_000_000 + step, 142_000_000, 8) for step in (0, 99)]
    phone.write(day_acts.add_fixes(ana, DAY, encode_track(fixes)))


def keep_unread(hub: Replica, phone: Replica, other: Replica, job: bytes) -> None:
    """Entries of a later format, with a field that came later, not permitted, and of no format."""
    force(phone, job, [Change(job, (fields.NOTE, MINT), "from the future")], version=2)
    force(hub, job, [Change(job, (fields.PRIORITY,), 3)], version=2)
    hub.write([Change(job, (3_000,), "a field to come")])
    force(phone, job, [Change(job, (3_001,), "a field to come")])
    force(other, job, [Change(job, (fields.CANCELLED,), True)])
    log = other.state(job).logs[(other.author, b"")]
    body = pack("no entry of any version")
    stored = Stored(other.author, log.height + 1, log.head, chain_next(log.head, body), body)
    with other.store.transaction():
        other.add(job, stored)
        other.finish(Touched({job}))


def revoke_before_the_end(hub: Replica, other: Replica, job: bytes) -> None:
    """Bo's phone was lost before it wrote its last entries, so the cut lies before them."""
    log = hub.state(job).logs[(other.author, b"")]
    cut = log.placed[0].stored
    changes = [Change(acts.SITE_STREAM, (fields.REVOKED, other.author), True)]
    hub.write([*changes, Change(job, (fields.CUT, other.author), [cut.seq, cut.hash])])


def speak_as_now(hub: Replica) -> None:
    """What came after the first light."""
    if hasattr(acts, "set_hub_addresses"):
        hub.write(acts.set_hub_addresses(hub.author, ["hub.example:8765"]))
    if find_spec("replica.witnesses"):
        from replica.witnesses import witness_changes

        witness_changes(hub)


def repair(hub: Replica, phone: Replica, job: bytes) -> Meeting:
    """A session of two that have forgotten how far they were, each with something new."""
    for replica in (hub, phone):
        with replica.store.transaction() as db:
            db.execute("DELETE FROM peer")
    phone.write(acts.set_tick(job, 0, True))
    hub.write(acts.edit_job(job, {"description": "The boiler in the cellar"}))
    meeting = hold(phone, hub)
    assert meeting.live
    return meeting


# --- what is written down


def shown(replica: Replica) -> dict[str, Any]:
    """What a replica makes of its entries: each stream's fold, and rows that people know."""
    db = replica.store.db
    streams = sorted(row[0] for row in db.execute("SELECT stream FROM stream"))
    return {
        "streams": {stream.hex(): _fold(replica, stream) for stream in streams},
        "inert": dict(_named(db, "SELECT lower(hex(stream)), inert FROM stream WHERE inert")),
        "left": _listed(db, "SELECT lower(hex(stream)) FROM stream WHERE left_at NOTNULL"),
        "jobs": _listed(db, "SELECT title, status, phase, attention, priority, notes FROM job"),
        "notes": _listed(db, "SELECT text FROM note"),
        "ticks": _listed(db, "SELECT text, ticked FROM check_item"),
        "time": _listed(db, "SELECT kind, start_at, stop_at, seconds, certainty FROM time_log"),
        "conflicts": _listed(db, "SELECT kind, field FROM conflict"),
        "people": _listed(db, "SELECT name FROM worker UNION ALL SELECT name FROM customer"),
    }


def _fold(replica: Replica, stream: bytes) -> dict[str, Any]:
    state = replica.state(stream)
    inert = {p.stored.hash.hex()[:16]: p.inert.partition(":")[0] for p in state.entries()}
    return {
        "heads": [
            [h.author.hex()[:8], h.branch.hex()[:8], h.height, h.hash.hex()] for h in state.heads()
        ],
        "inert": {name: words for name, words in inert.items() if words},
        "registers": {
            repr(path): sorted(repr(write.value) for write in register.writes.values())
            for path, register in sorted(state.registers.items(), key=lambda each: repr(each[0]))
        },
        "fingerprint": state.fingerprint().hex(),
    }


def _listed(db: sqlite3.Connection, question: str) -> list[list[Any]]:
    return sorted((list(row) for row in db.execute(question)), key=repr)


def _named(db: sqlite3.Connection, question: str) -> list[tuple[str, int]]:
    return sorted(tuple(row) for row in db.execute(question))


def written(hub: Replica, meetings: dict[str, Meeting]) -> dict[str, Any]:
    """Everything that was signed, and what was said in sessions (each side's frames), as hex."""
    db = hub.store.db
    streams = sorted(row[0] for row in db.execute("SELECT stream FROM stream"))
    return {
        "site": hub.site.hex(),
        "entries": [
            [stream.hex(), stored.author.hex(), stored.seq, stored.hash.hex(), stored.body.hex()]
            for stream in streams
            for stored in sorted(logs.stored_entries(db, stream), key=lambda s: (s.author, s.seq))
        ],
        "seals": [
            [author.hex(), number, leaves.hex(), signature.hex()]
            for author, number, leaves, signature in db.execute(
                "SELECT author, number, leaves, signature FROM seal ORDER BY seal"
            )
        ],
        "certificates": [
            row[0].hex() for row in db.execute("SELECT certificate FROM certificate ORDER BY 1")
        ],
        "frames": {
            name: [[frame.hex() for frame in side] for side in meeting.sent]
            for name, meeting in meetings.items()
        },
    }


def main(target: Path) -> None:
    """Make one version's site in `target`."""
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), SEED)
        hub, phone, meetings = lived_in(site)
        _keep_json(target / "bytes.json", written(hub, meetings))
        states = {"hub": shown(hub), "phone": shown(phone)}
        for name, replica in (("hub", hub), ("phone", phone)):
            _keep_store(replica.store.path.parent, target / name)
            states[f"{name} of a later program"] = shown(_read_later(site, replica))
        _keep_json(target / "states.json", states)
        site.close()


def _read_later(site: Site, replica: Replica) -> Replica:
    """The replica as a program has it that reads format 2 too."""
    later = site.reopen(replica, LATER)
    streams = {row[0] for row in later.store.db.execute("SELECT stream FROM stream")}
    with later.store.transaction():
        later.finish(Touched(streams))
    later.rebuild_projections()
    return later


def _keep_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _keep_store(source: Path, target: Path) -> None:
    """The store in one file without free pages, packed since most of it is empty, and whose."""
    target.mkdir()
    with tempfile.NamedTemporaryFile() as copy:
        db = sqlite3.connect(source / STORE_FILE, isolation_level=None)
        db.execute("VACUUM INTO ?", (copy.name,))
        db.close()
        packed = gzip.compress(Path(copy.name).read_bytes(), mtime=0)
    (target / f"{STORE_FILE}.gz").write_bytes(packed)
    for name in (KEY_FILE, IDENTITY_FILE):
        shutil.copyfile(source / name, target / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
