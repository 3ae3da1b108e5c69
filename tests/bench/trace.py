"""The trace that everything is measured on: a site's jobs, edits and time logs, in order of time.

Two thousand jobs make some 34,000 ops, seventeen a job: one creation with fifteen fields, twelve
updates of one field, four time logs. About one update in twenty is half of a concurrent pair: the
office and a phone wrote to one job and neither had seen the other. The window that follows is a
day apart: 200 ops of one phone, 2,000 of the office. Of a site of years only the newest jobs need
all their ops, since what follows touches no others. Knows neither Fieldlog nor the peers, and needs
nothing but Python, so that every peer's own process can make it.
Invariant: the same jobs, phones and seed give the same ops, on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

DAY_MS = 86_400_000
MINUTE_MS = 60_000
# 2026-03-02 00:00 UTC, a Monday.
BEGIN_MS = 1_772_409_600_000
OFFICE = 0
CUSTOMERS = 5_000
JOBS_PER_PHONE_AND_DAY = 4
PHONES_MAX = 50
WINDOW_PHONE_OPS_MAX = 200
WINDOW_OFFICE_OPS_MAX = 2_000

_ACTIONS = ("Mend", "Check", "Fit", "Swap", "Tune", "Clear", "Seal", "Measure")
_OBJECTS = (
    "burner", "chiller", "breaker", "hoist", "valve",
    "modem", "shutter", "hydrant", "mast", "turnstile",
)  # fmt: skip
_ROOMS = ("cellar", "attic", "second floor", "depot", "carport", "courtyard", "pantry", "lobby")
_WORDS = tuple(
    " ".join(
        (
            "tenant hears rattle when unit begins see filter and hose carry new gasket phone first",
            "badge with porter former part drips wire frayed change seal measure twice picture",
            "wanted enter by side door cat inside follow up under guarantee agree code note the",
            "gauge hand over to owner",
        )
    ).split()
)
_STREETS = (
    "Mannerheimintie", "Kalevankatu", "Oak Road", "Quai Nord", "Via Verdi", "Canal Row",
    "Lindenhof", "Harbour Way",
)  # fmt: skip
_FAMILIES = (
    "Aalto", "Berg", "Conti", "Dahl", "Engel", "Frost",
    "Gray", "Holm", "Ilves", "Jung", "Koski", "Lowe",
)  # fmt: skip
SKILLS = ("cooling", "power", "water", "data", "hoists", "gas", "ropes")
LENGTHS_MIN = (30, 45, 60, 90, 120, 180)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Op:
    """One op: at `at_ms` the writer (0 the office, else a phone's number) did one thing.

    `kind` is "create", "update" or "log"; `record` the id of the job or of the time log; `pair` is
    1 for the office's and 2 for the phone's half of a concurrent pair, else 0.
    """

    at_ms: int
    writer: int
    kind: str
    record: str
    job: str
    fields: dict[str, Any]
    pair: int = 0

    def plain(self) -> list[Any]:
        """The op as plain values, which is what a peer has to carry."""
        return [self.kind, self.record, self.job, self.at_ms, self.writer, self.fields]


@dataclass(frozen=True, slots=True)
class Trace:
    """The ops of a site, and those of the day apart that follow."""

    jobs: int
    phones: int
    seed: int
    ops: tuple[Op, ...]
    phone_window: tuple[Op, ...]
    office_window: tuple[Op, ...]

    def fingerprint(self) -> str:
        """Hex that is equal for equal traces."""
        state = blake2b(digest_size=16)
        for op in (*self.ops, *self.phone_window, *self.office_window):
            state.update(repr((op.plain(), op.pair)).encode())
        return state.hexdigest()


def worker_name(number: int) -> str:
    """What a phone's worker is called in fields."""
    return f"W{number:03d}"


def customer_name(number: int) -> str:
    """The name of a customer, who may come again."""
    return f"{_FAMILIES[number % 12]} {_FAMILIES[number // 12 % 12]} Oy"


def make_trace(jobs: int, seed: int = 1, whole: int | None = None) -> Trace:
    """The trace of so many jobs; a small site has fewer phones.

    Of all but the newest `whole` jobs it has two ops alone: the creation and the first time log.
    """
    phones = min(PHONES_MAX, max(2, jobs // 40))
    draw = random.Random(f"trace {jobs} {phones} {seed}")
    step_ms = DAY_MS // (phones * JOBS_PER_PHONE_AND_DAY)
    found: list[tuple[int, int, Op]] = []
    owners: list[tuple[str, int]] = []
    for number in range(jobs):
        begin_ms = BEGIN_MS + number * step_ms + draw.randrange(step_ms)
        life, worker = _life(draw, phones, begin_ms)
        owners.append((life[0].job, worker))
        if whole is not None and number < jobs - whole:
            life = [life[0], next(op for op in life if op.kind == "log")]
        found += [(op.at_ms, number, op) for op in life]
    ops = [op for _, _, op in sorted(found, key=lambda each: each[:2])]
    phone_window, office_window = _window(draw, owners, phones, ops[-1].at_ms)
    return Trace(jobs, phones, seed, tuple(ops), tuple(phone_window), tuple(office_window))


def _identity(draw: random.Random, at_ms: int) -> str:
    number = at_ms << 80 | draw.getrandbits(80)
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(25, -1, -1))


def _text(draw: random.Random, letters: int) -> str:
    text = ""
    while len(text) < letters:
        text += f"{draw.choice(_WORDS)} "
    return text[:letters].rstrip()


def _place(draw: random.Random) -> tuple[float, float]:
    return round(59 + draw.random() * 7, 6), round(21 + draw.random() * 9, 6)


def _creation(draw: random.Random, at_ms: int, worker: int) -> dict[str, Any]:
    start_s = at_ms // 1_000 + draw.randrange(3_600, 2 * 86_400)
    minutes = draw.choice(LENGTHS_MIN)
    customer = draw.randrange(CUSTOMERS)
    lat, lon = _place(draw)
    return {
        "title": f"{draw.choice(_ACTIONS)} {draw.choice(_OBJECTS)} {draw.choice(_ROOMS)}",
        "description": _text(draw, draw.randrange(100, 141)),
        "customer_id": f"C{customer:05d}",
        "customer_name": customer_name(customer),
        "address": f"{draw.choice(_STREETS)} {draw.randrange(1, 200)}, "
        f"{draw.randrange(10_000, 99_999)} Town",
        "lat": lat,
        "lon": lon,
        "planned_start": start_s,
        "planned_end": start_s + minutes * 60,
        "duration": minutes,
        "priority": draw.randrange(4),
        "skills": ",".join(sorted(draw.sample(SKILLS, draw.randrange(1, 4)))),
        "assignee": worker_name(worker),
        "status": "open",
        "notes": "",
    }


def _log(draw: random.Random, at_ms: int, worker: int, kind: str) -> dict[str, Any]:
    lat, lon = _place(draw)
    end_s = at_ms // 1_000
    return {
        "worker": worker_name(worker),
        "kind": kind,
        "start": end_s - draw.randrange(300, 7_200),
        "end": end_s,
        "source": draw.choice(("auto", "auto", "auto", "manual")),
        "lat": lat,
        "lon": lon,
    }


def _office_edit(draw: random.Random, at_ms: int) -> dict[str, Any]:
    name = draw.choice(("planned_start", "planned_end", "notes", "priority", "duration"))
    at_s = at_ms // 1_000
    values = {
        "planned_start": at_s + draw.randrange(3_600, 86_400),
        "planned_end": at_s + draw.randrange(90_000, 180_000),
        "notes": _text(draw, draw.randrange(20, 61)),
        "priority": draw.randrange(4),
        "duration": draw.choice(LENGTHS_MIN),
    }
    return {name: values[name]}


def _phone_edit(draw: random.Random) -> dict[str, Any]:
    name = draw.choice(("notes", "notes", "tick", "step"))
    values = {
        "notes": _text(draw, draw.randrange(20, 61)),
        "tick": draw.randrange(10),
        "step": draw.choice(("accepted", "travelling", "on site", "paused")),
    }
    return {name: values[name]}


def _life(draw: random.Random, phones: int, begin_ms: int) -> tuple[list[Op], int]:
    """All ops of one job, in order of time, and the number of the worker who had it last."""
    job = _identity(draw, begin_ms)
    worker = draw.randrange(1, phones + 1)
    ops = [Op(begin_ms, OFFICE, "create", job, job, _creation(draw, begin_ms, worker))]
    end_ms = begin_ms + draw.randrange(2 * DAY_MS, 4 * DAY_MS)
    moments = sorted(
        draw.randrange(begin_ms + MINUTE_MS, end_ms) for _ in range(draw.randrange(10, 15))
    )
    stays_open, rejected = draw.random() < 0.12, draw.random() < 0.07
    reassigned = draw.random() < 0.3
    begins, last = len(moments) // 2, len(moments) - 1
    number = 0

    def update(at_ms: int, writer: int, fields: dict[str, Any], pair: int = 0) -> None:
        ops.append(Op(at_ms, writer, "update", job, job, fields, pair))

    while number <= last:
        at_ms = moments[number]
        if reassigned and number == 1:
            worker = draw.randrange(1, phones + 1)
            update(at_ms, OFFICE, {"assignee": worker_name(worker)})
        elif number == begins and not stays_open:
            update(at_ms, worker, {"status": "in_progress"})
        elif number == last and not stays_open:
            update(at_ms, worker, {"status": "rejected" if rejected else "done"})
        elif number + 2 < last and number + 1 != begins and draw.random() < 0.06:
            ours = {"step": "paused"} if draw.random() < 0.5 else _office_edit(draw, at_ms)
            update(at_ms, OFFICE, ours, 1)
            update(at_ms, worker, {"step": "on site"} if "step" in ours else _phone_edit(draw), 2)
            number += 1
        elif draw.random() < 0.45:
            update(at_ms, OFFICE, _office_edit(draw, at_ms))
        else:
            update(at_ms, worker, _phone_edit(draw))
        number += 1
    for kind in ("travel", "work", "pause", "work", "travel")[: draw.randrange(3, 6)]:
        at_ms = draw.randrange(moments[begins], end_ms + 1)
        log = _log(draw, at_ms, worker, kind)
        ops.append(Op(at_ms, worker, "log", _identity(draw, at_ms), job, log))
    return [ops[0], *sorted(ops[1:], key=lambda op: op.at_ms)], worker


def _window(
    draw: random.Random, owners: Sequence[tuple[str, int]], phones: int, after_ms: int
) -> tuple[list[Op], list[Op]]:
    """A phone's ops on up to 30 jobs of its own, and the office's on the newest jobs of all."""
    phone = min(7, phones)
    recent = owners[-600:]
    mine = [job for job, worker in recent if worker == phone][:30] or [recent[0][0]]
    theirs: list[Op] = []
    for number in range(min(WINDOW_PHONE_OPS_MAX, len(owners))):
        at_ms = after_ms + 1_000 + number * 5_000
        job, chance = mine[number % len(mine)], draw.random()
        if chance < 0.25:
            log = _log(draw, at_ms, phone, draw.choice(("travel", "work", "pause")))
            theirs.append(Op(at_ms, phone, "log", _identity(draw, at_ms), job, log))
        else:
            done = {"status": draw.choice(("in_progress", "done"))}
            fields = done if chance < 0.4 else _phone_edit(draw)
            theirs.append(Op(at_ms, phone, "update", job, job, fields))
    ours: list[Op] = []
    for number in range(min(WINDOW_OFFICE_OPS_MAX, len(owners))):
        at_ms = after_ms + 1_000 + number * 500
        chance, worker = draw.random(), draw.randrange(1, phones + 1)
        job = draw.choice(mine) if draw.random() < 0.01 else draw.choice(recent)[0]
        if chance < 1 / 17:
            job = _identity(draw, at_ms)
            ours.append(Op(at_ms, OFFICE, "create", job, job, _creation(draw, at_ms, worker)))
        elif chance < 5 / 17:
            log = _log(draw, at_ms, worker, "work")
            ours.append(Op(at_ms, OFFICE, "log", _identity(draw, at_ms), job, log))
        elif chance < 6 / 17:
            ours.append(Op(at_ms, OFFICE, "update", job, job, {"assignee": worker_name(worker)}))
        else:
            ours.append(Op(at_ms, OFFICE, "update", job, job, _office_edit(draw, at_ms)))
    return theirs, ours
