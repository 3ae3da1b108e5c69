"""Outlines in the forms of customers, jobs and recurring jobs, and on the phone that gets them."""

from __future__ import annotations

import json

import pytest

from core.dispatch import day_acts
from core.dispatch.fix import Fix
from core.dispatch.outline import corners_of
from replica.autologger import AutoLogger
from replica.autostate import read_context
from replica.writer import Writer
from tests.web.board.test_job_form import edit
from tests.web.board.test_undo import offered, undo
from tests.web.board.town import Town, Worker
from tests.web.pages.test_customers import LETNA, make

YARD = [
    *(500_990_000, 144_240_000),
    *(500_990_000, 144_260_000),
    *(501_000_000, 144_260_000),
    *(501_000_000, 144_240_000),
]
LINES = "50.099, 14.424\n50.099, 14.426\n50.1, 14.426\n50.1, 14.424"
WKT = "POLYGON ((14.424 50.099, 14.426 50.099, 14.426 50.1, 14.424 50.1, 14.424 50.099))"
OUTLINE = "place.new0.outline"
JOB = {"title": "Boiler service", "point": "50.0995, 14.425", "priority": "1"}

WRONG = [
    ("50.099, 14.424\n50.099, 14.426", "3 to 64 corners, not 2"),
    (LINES.replace("50.1, 14.426", "the gate"), "Line 3 of the outline, “the gate”"),
    ("50.099, 14.424\n50.1, 14.426\n50.099, 14.426\n50.1, 14.424", "crosses or touches itself"),
    (LINES.replace("50.1,", "50.2,"), "more than 5 km apart"),
    (LINES.replace("50.", "51."), "km from the position"),
    ('{"type": "Polygon"', "can't be read from its line 1"),
    ("LINESTRING (14 50, 15 51)", "holds no polygon"),
]


async def outlines(town: Town, table: str) -> list[object]:
    rows = await town.office.rows(f"SELECT outline FROM {table}")
    return [json.loads(row["outline"]) if row["outline"] else None for row in rows]


async def test_a_place_gets_its_outline_is_shown_with_it_and_loses_it_again(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    path = await make(eva, LETNA | {OUTLINE: WKT})
    assert await outlines(town, "customer_place") == [YARD]
    assert "outline of 4 corners" in (await eva.get(path)).words
    form = (await eva.get(f"{path}/edit")).form()
    (name,) = [name for name in form if name.endswith(".outline") and "new" not in name]
    assert form[name] == LINES
    seen = await eva.post(f"{path}/edit", form | {name: ""})
    assert "Saved" in seen.words
    assert await outlines(town, "customer_place") == [None]
    assert "60 m" in (await eva.get(path)).words


@pytest.mark.parametrize(("text", "words"), WRONG)
async def test_what_can_be_no_outline_is_refused_beside_what_was_typed(
    town: Town, text: str, words: str
) -> None:
    eva = await town.office.signed_in("Eva")
    for path, fields, name in (
        ("/customers/new", LETNA, OUTLINE),
        ("/board/new", JOB, "outline"),
        ("/recurring/new", JOB | {"often": "daily", "every": "1", "starts": "2026-11-24",
                                  "zone": "Europe/Prague", "horizon": "7"}, "outline"),
    ):  # fmt: skip
        seen = await eva.post(path, fields | {name: text})
        assert seen.status == 422, path
        assert words in seen.words, path
    for table in ("customer", "job", "recurrence"):
        assert await town.office.rows(f"SELECT 1 FROM {table}") == []


async def test_an_outline_needs_its_position(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    for path, fields, at in (("/customers/new", LETNA, "place.new0."), ("/board/new", JOB, "")):
        seen = await eva.post(path, fields | {f"{at}point": "", f"{at}outline": LINES})
        assert seen.status == 422
        assert "needs the position as well" in seen.words


async def test_a_pin_that_moves_away_from_the_outline_is_refused(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    path = await make(eva, LETNA | {OUTLINE: LINES})
    form = (await eva.get(f"{path}/edit")).form()
    (name,) = [name for name in form if name.endswith(".point") and "new" not in name]
    seen = await eva.post(f"{path}/edit", form | {name: "50.2, 14.425"})
    assert seen.status == 422
    assert "correct one of the two" in seen.words


async def test_a_job_takes_the_outline_over_from_its_place(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    customer = (await make(eva, LETNA | {OUTLINE: LINES})).rpartition("/")[2]
    seen = await eva.post("/board/new", {"title": "Boiler", "customer": customer, "priority": "1"})
    assert seen.status == 200, seen.words
    assert await outlines(town, "job") == [YARD]
    assert "visit within the outline of 4 corners" in seen.words
    # A position of its own lies elsewhere, and nothing bounds it but its radius.
    elsewhere = {"title": "Pump", "customer": customer, "priority": "1", "point": "50.2, 14.4"}
    assert (await eva.post("/board/new", elsewhere)).status == 200
    assert sorted(await outlines(town, "job"), key=bool) == [None, YARD]
    fills = json.loads((await eva.get(f"/board/customers/{customer}.json")).text)
    assert fills["fills"]["outline"] == LINES


async def corners_on_phone(town: Town, ana: Worker, job: str) -> object:
    """The outline by which a worker's phone logs a job, after it met the hub."""
    await town.meet(ana)
    context = await town.office.hub.writer.run(read_context, ana.phone, ana.stream)
    return context.places.spot_by_job[bytes.fromhex(job)].place.corners


async def test_an_outline_reaches_the_phones_logger_and_undo_takes_it_back(town: Town) -> None:
    eva, ana = await town.office.signed_in("Eva"), await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana, point=(500_995_000, 144_250_000))
    assert await corners_on_phone(town, ana, job) == ()
    form = await edit(eva, job)
    seen = await eva.post(f"/board/job/{job}/edit", form | {"outline": WKT})
    assert seen.status == 200, seen.words
    assert await corners_on_phone(town, ana, job) == corners_of(YARD)
    assert "4 corners" in seen.words, "the pane says so, and the history"
    # Drawn anew and sent as it is, it is no change.
    form = await edit(eva, job)
    assert form["outline"] == LINES
    assert "Nothing was changed" in (await eva.post(f"/board/job/{job}/edit", form)).words
    told = await undo(eva, offered(seen))
    assert "Undone" in told.words
    assert await corners_on_phone(town, ana, job) == ()


async def test_the_phone_logs_a_visit_within_the_forms_outline_and_none_beside_it(
    town: Town,
) -> None:
    eva, ana = await town.office.signed_in("Eva"), await town.worker("Ana")
    point = (500_995_000, 144_250_000)
    job, _ = await town.job("Boiler", worker=ana, starts_in=0, point=point, radius=200)
    form = await edit(eva, job)
    assert (await eva.post(f"/board/job/{job}/edit", form | {"outline": LINES})).status == 200
    await town.meet(ana)
    phone, clock = ana.phone, town.clock
    logger = AutoLogger(Writer(phone, None), ana.stream, lambda: None)
    phone.write(day_acts.start_duty(ana.stream, "2026-11-23", b"duty-one"))

    async def stay(lat_e7: int, minutes: int, speed_mps: float = 0.2) -> None:
        for step in range(minutes * 3):
            clock.at_ms += 20_000
            fix = Fix(
                clock.now_ms(), lat_e7 + step % 3 * 500, 144_250_000, 8, speed_mps, 0, "owntracks"
            )
            await logger.take(fix)

    def visits() -> int:
        asked = "SELECT count(*) FROM time_log WHERE kind = 'on site' AND NOT superseded"
        return int(phone.store.db.execute(asked).fetchone()[0])

    # Some 65 m north of the yard's edge, and 120 m from the pin: well within the radius.
    await stay(501_006_000, 20)
    assert visits() == 0
    await stay(500_995_000, 20)
    assert visits() == 1


async def test_a_recurring_job_gives_its_outline_to_each_of_its_jobs(town: Town) -> None:
    eva = await town.office.signed_in("Eva")
    customer = (await make(eva, LETNA | {OUTLINE: LINES})).rpartition("/")[2]
    seen = await eva.get(f"/recurring/new?customer={customer}")
    assert seen.form()["outline"] == LINES
    fields = {"title": "Filters", "weekday": ["0"]}
    seen = await eva.post("/recurring/new", seen.form() | fields)
    assert "is added" in seen.words
    made = await outlines(town, "job")
    assert len(made) == 3
    assert all(outline == YARD for outline in made)
    seen = await eva.get(f"{seen.path}/edit")
    assert seen.form()["outline"] == LINES


async def test_history_and_a_clash_of_two_say_how_many_corners_there_are(town: Town) -> None:
    eva, petr = await town.office.signed_in("Eva"), await town.office.signed_in("Petr")
    job, _ = await town.job("Boiler", point=(500_995_000, 144_250_000))
    form = await edit(eva, job)
    triangle = LINES.rpartition("\n")[0]
    of_petr = await edit(petr, job)
    seen = await petr.post(f"/board/job/{job}/edit", of_petr | {"outline": triangle})
    assert seen.status == 200
    assert "3 corners" in seen.words
    seen = await eva.post(f"/board/job/{job}/edit", form | {"outline": LINES})
    assert "Keep mine 4 corners" in seen.words
    assert "Take theirs 3 corners" in seen.words
