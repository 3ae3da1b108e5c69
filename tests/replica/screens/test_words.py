"""Everything that a worker reads on the phone is said in the worker's language."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Kind
from core.dispatch.fix import Fix
from replica.screens.assets import STATIC_FOLDER, installed_assets
from replica.screens.here import TEMPLATE_FOLDER, make_environment
from tests.marking import known
from tests.pictures import png
from tests.replica.screens.conftest import HOUR_MS, Phone
from tests.replica.screens.test_in_chromium import COLLEAGUE, EVERY_SCREEN
from tests.unsaid import bare, spoken_constants

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted(path.name for path in TEMPLATE_FOLDER.glob("*.html"))
# What is no word of ours: names, addresses, and what is typed as it stands.
_AS_IT_STANDS = re.compile(
    r"Fieldlog|Petr Dvorak|plate\.png|English|Čeština|Esperanto|HTTP|XXXX-XXXX-XXXX-XXXX"
    r"|fieldlog://enrol\?…|http://\S+|~?\b[0-9a-f]{6,}\b|\bfieldlog\b|\bBo\b"
)
_FOR_PEOPLE = {
    *(
        "ActError",
        "CarryRefused",
        "CarryingRefused",
        "CodeUnreadable",
        "EnrolmentRefused",
        "Finding",
    ),
    *("LogMistyped", "LogOutRefused", "Need", "NobodyToCarryTo", "Pill", "Refused", "TimeMistyped"),
}
_SPOKEN = {"aria-label", "title", "placeholder", "alt"}


class Shown(HTMLParser):
    """The texts of a page in their order, and what is read aloud or told by a script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.spoken: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {"scan": {"data-code", "data-found", "data-no-camera"}, "sign-form": {"data-name"}}
        wanted = _SPOKEN | told.get(dict(attributes).get("id") or "", set())
        self.spoken += [text for name, text in attributes if name in wanted and text]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outside_of_marks(text: str) -> str:
    """What of a text was not said in the marking language."""
    depth, found = 0, []
    for letter in text:
        depth += letter == "‹"
        if not depth:
            found.append(letter)
        depth -= letter == "›"
        assert depth >= 0, text
    return "".join(found)


def unsaid(page: str) -> list[str]:
    """The English that a page in the marking language has left."""
    shown = Shown(page)
    left = outside_of_marks("\0".join(shown.texts)).split("\0")
    left += map(outside_of_marks, shown.spoken)
    return [each.strip() for each in left if re.search("[A-Za-z]{2}", _AS_IT_STANDS.sub("", each))]


async def a_day_of_greek(phone: Phone) -> list[str]:
    """Jobs in every state, with all that pages say of them, in letters that no page has itself."""
    now = phone.clock.now_ms()
    customer = phone.site.new_id(Kind.CUSTOMER)
    phone.office(acts.edit_customer(customer, {"name": "Νίκος", "note": "σκύλος"}))
    full = phone.give_job(
        "Λέβητας", customer=customer, description="κουδούνι", point=[494_000_000, 155_900_000],
        address="Οδός 12", contact="Άννα", contact_phone="+420 777 123 456", priority=3,
        window=[now, now + HOUR_MS], planned_minutes=90, check_items=["αέριο"],
    )  # fmt: skip
    plain = phone.give_job("Αντλία", window=[now + 30 * HOUR_MS, now + 31 * HOUR_MS])
    done, rejected, cancelled, changed = (phone.give_job(each) for each in "αβγδ")
    await phone.sync()
    await phone.tap(full, "assigned", "travelling")
    await phone.device.take_fix(Fix(now, 493_000_000, 155_900_000, 150))
    phone.clock.pass_ms(HOUR_MS // 2)
    await phone.tap(full, "travelling", "on site")
    await phone.tap(done, "assigned", "finished")
    await phone.post(
        f"/jobs/{rejected}/reject", **{"from": "assigned"}, choice="Not my kind of work"
    )
    await phone.get(f"/jobs/{changed}")
    await phone.post(f"/jobs/{full}/problem", choice="No access", text="μάνδαλο")
    await phone.post(f"/jobs/{full}/notes", text="κλειδί")
    await phone.device.attach_file(bytes.fromhex(full), "plate.png", png(40, 90, 160))
    phone.clock.pass_ms(HOUR_MS)
    job = bytes.fromhex(changed)
    phone.office(acts.edit_job(bytes.fromhex(cancelled), {"title": "γγ"}))
    phone.office(acts.cancel_job(bytes.fromhex(cancelled), "καιρός"))
    phone.office(acts.edit_job(job, {"title": "δδ", "priority": 2, "address": "Οδός 13"}))
    phone.office(acts.ask_worker(job, "πού;"))
    return [full, plain, done, rejected, cancelled, changed]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_word_of_a_template_is_said_in_the_workers_language(name: str) -> None:
    source = (TEMPLATE_FOLDER / name).read_text("utf-8")
    tree = make_environment(installed_assets()).parse(source)
    found = [_AS_IT_STANDS.sub("", each) for each in (*bare(source), *spoken_constants(tree))]
    assert [each for each in found if re.search("[A-Za-z]", each)] == []


def test_scripts_say_no_word_of_their_own() -> None:
    """What they tell stands in the page; only what they ask the browser for is in them."""
    told = re.compile(r"""(?:textContent|innerText|title|ariaLabel)\s*=\s*["'`]\s*[A-Za-z]""")
    for path in STATIC_FOLDER.glob("*.js"):
        assert told.findall(path.read_text("utf-8")) == [], path.name


def unmarked(source: str) -> list[str]:
    """Texts of a module that go to people as they stand: of refusals, titles and messages."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
        given = [each.value for each in call.keywords if each.arg == "title"]
        given += call.args if name in _FOR_PEOPLE else []
        # A text in a call of `messages.say` is found for translation; one put together is not.
        given += [each for each in call.args if name == "say" and isinstance(each, ast.JoinedStr)]
        found += [f"{each.lineno}: {ast.unparse(each)}" for each in given if _is_bare(each)]
    return found


def _is_bare(given: ast.expr) -> bool:
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return re.search(r"[A-Za-z] [A-Za-z]|^[A-Z][a-z]+$", given.value) is not None
    return isinstance(given, ast.JoinedStr)


@pytest.mark.parametrize("folder", ["core/dispatch", "replica", "replica/screens"])
def test_no_refusal_or_title_is_a_text_that_no_language_can_say(folder: str) -> None:
    found = {path.name: unmarked(path.read_text("utf-8")) for path in (ROOT / folder).glob("*.py")}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_a_text_that_was_forgotten_is_found() -> None:
    forgotten = 'raise ActError("no such thing")\nraise Refused(400, f"{x}", say("Go back"))\n'
    assert unmarked(forgotten) == ["1: 'no such thing'", "2: f'{x}'"]
    assert unmarked('page(title="Menu")\nmessages.say(f"{n} saved")\nsay("Saved")') == [
        "1: 'Menu'",
        "2: f'{n} saved'",
    ]


async def test_no_screen_has_english_left_in_another_language(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await a_day_of_greek(phone)
    paths = [each.format(job=jobs[0], colleague=COLLEAGUE) for each in EVERY_SCREEN]
    paths += [f"/jobs/{job}{page}" for job in jobs[1:] for page in ("", "/logs", "/state")]
    ((day, log),) = await phone.rows("SELECT day, log FROM time_log WHERE stop_at IS NULL")
    paths += [f"/logs/{day}/{log}", "/jobs?section=Done", "/jobs?q=λ", "/nothing", "/asleep"]
    english: dict[str, list[str]] = {}
    with known(monkeypatch) as tag:
        for path in [*paths, *paths]:
            answer = await phone.get(path, **{"Accept-Language": tag})
            assert f'<html lang="{tag}"' in answer.text, path
            if left := unsaid(answer.text):
                english[path] = left
            if path == paths[-1]:
                # Once offline with all that waits, once after the hub has told of its own.
                await phone.sync()
    assert english == {}


async def test_what_is_said_of_a_form_is_said_in_the_workers_language(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, *_ = await a_day_of_greek(phone)
    start = {"kind": "on site", "start": "2026-03-29T02:30", "job": ""}
    forms = [
        *(("/duty", {"duty": each}) for each in ("start", "stop", "stop")),
        *(("/settings/jobs", {"mode": each}) for each in ("timed", "off", "nonsense")),
        *(("/settings/jobs", {"minutes": each}) for each in ("7", "site", "x")),
        *(("/settings/jobs", {each: "off"}) for each in ("auto", "none")),
        ("/settings/phone", {"media": "wi-fi"}),
        ("/settings/phone", {"media": "never"}),
        ("/logs/new", {}),
        ("/logs/new", start | {"stop": "2026-03-29T04:30"}),
        ("/logs/new", start | {"start": "2026-02-01T10:00", "stop": "2026-02-01T09:00"}),
        ("/logs/new", start | {"start": "2027-02-01T10:00", "stop": "2026-02-01T09:00"}),
        ("/logs/new", start | {"start": "2025-10-26T02:30", "stop": "2025-10-26T04:00"}),
        ("/logs/new", start | {"start": "2026-02-01T10:00", "stop": "2026-02-03T10:00"}),
        ("/logs/new", start | {"start": "2026-02-01T10:00", "stop": "2026-02-01T11:00"}),
        (f"/jobs/{job}/phase", {"from": "on site", "to": "paused"}),
        (f"/jobs/{job}/phase", {"from": "on site", "to": "finished"}),
        (f"/jobs/{job}/phase", {"from": "paused", "to": "nowhere"}),
        (f"/jobs/{job}/reject", {"from": "paused"}),
        (f"/jobs/{job}/problem", {"from": "paused"}),
        (f"/jobs/{job}/undo", {"token": "none"}),
        (f"/jobs/{job}/notes", {"text": "ά" * 3_000}),
        (f"/jobs/{job}/notes", {"text": "ναι"}),
        (f"/jobs/{job}/tick", {"item": "x"}),
        (f"/jobs/{job}/hand", {"worker": COLLEAGUE}),
        ("/colleagues/add", {"worker": COLLEAGUE, "name": "Bo"}),
        (f"/jobs/{job}/hand", {"worker": COLLEAGUE}),
        ("/colleagues/forget", {"worker": COLLEAGUE}),
        ("/jobs/new", {"title": ""}),
        *(("/sync", {}), ("/sync/file", {}), ("/sync/code", {"file": "AAAA"})),
        *(("/sync/erased", {}), ("/sync/carried", {"file": "x"})),
        *(("/people/in", {"person": "x"}), ("/people/out", {})),
        ("/notices/none", {"agreed": "no"}),
    ]
    english: dict[str, list[str]] = {}
    with known(monkeypatch) as tag:
        await phone.get("/menu", **{"Accept-Language": tag})
        for path, form in forms:
            answer = await phone.post(path, **form)
            assert f'<html lang="{tag}"' in answer.text, path
            if left := unsaid(answer.text):
                english[f"{path} {form}"] = left
    assert english == {}
