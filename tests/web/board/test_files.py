"""Files of jobs in the pane, between a real hub and real phones."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest

from core.dispatch.acts import remove_file
from core.log.limits import FILE_BYTES_MAX
from replica.carrying import file_for, take_in_words
from replica.filing import attach_file, save_file, want_files_to_do
from replica.receivers import receiver_named
from tests.pictures import png
from tests.replica.files import photo
from tests.replica.test_files_refused import NearlyFull
from tests.web.board.test_pane import pane
from tests.web.board.town import Town, Worker
from tests.web.office import Person, Seen

RED = png(200, 30, 30)
PAGE = b"<html><script>alert(document.cookie)</script></html>"


async def add(person: Person, job: str, *files: tuple[str, bytes], scripted: bool = False) -> Seen:
    """Send files from the pane's form, or as its script does."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("form_token", person._token)
    for name, data in files:
        form.add_field("file", io.BytesIO(data), filename=name, content_type="image/jpeg")
    headers = {"Accept": "text/html", "Origin": person.origin}
    if scripted:
        headers["X-Board-Part"] = "1"
    async with person._session.post(
        f"{person.origin}/files/{job}", data=form, headers=headers
    ) as answer:
        return Seen(answer.status, await answer.text(), answer.url.path_qs, answer.headers)


async def given(person: Person, job: str, file: str) -> tuple[Any, bytes]:
    """A file as a browser gets it: headers and bytes."""
    async with person._session.get(f"{person.origin}/files/{job}/{file}") as answer:
        return answer.headers, await answer.read()


async def files_of(town: Town, job: str) -> list[str]:
    rows = await town.office.rows("SELECT file FROM file_ref WHERE job = ? ORDER BY at", (job,))
    return [row["file"] for row in rows]


async def on_writer(town: Town, function: Any, *args: object, **more: object) -> Any:
    return await town.office.hub.writer.run(lambda: function(*args, **more))


async def test_a_file_from_the_office_is_on_the_phone_of_who_has_the_job_and_the_pane_says_so(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    plan = photo("plan", 2.5)
    seen = await add(eva, job, ("C:\\fakepath\\Plán.pdf", plan), ("valve.png", RED))
    assert "2 files are with A-1." in seen.words
    seen = await pane(eva, job)
    assert "Plán.pdf 163.8 kB Eva, 12:00" in seen.words
    assert seen.words.count("On this hub Not known to be with Ana") == 2
    # A phone asks for what its worker has to do, and the next contact brings it.
    await town.meet(ana)
    wanted = await on_writer(town, want_files_to_do, ana.phone, ana.stream, [bytes.fromhex(job)])
    assert len(wanted) == 2
    assert not await on_writer(
        town, want_files_to_do, ana.phone, ana.stream, [bytes.fromhex(job)]
    ), "they are asked for already"
    await town.meet(ana)
    assert [ana.phone.files.read(address) for address in wanted].count(plan) == 1
    seen = await pane(eva, job)
    assert seen.words.count("On this hub, Ana’s phone") == 2
    assert "Not known to be with" not in seen.words


async def test_a_phone_asks_only_for_files_of_jobs_that_its_worker_has_to_do(town: Town) -> None:
    ana, ben = await town.worker("Ana"), await town.worker("Ben")
    job, _ = await town.job("Boiler", worker=ana)
    eva = await town.office.signed_in("Eva")
    await add(eva, job, ("old.png", png(1, 1, 1)), ("valve.png", RED))
    streams = [bytes.fromhex(job)]
    files = await files_of(town, job)
    await town.office.act(remove_file(streams[0], bytes.fromhex(files[0])))
    await town.meet(ana)
    assert len(await on_writer(town, want_files_to_do, ana.phone, ana.stream, streams)) == 1
    await eva.post(f"/board/job/{job}/assign", {"worker": ben.id})
    await town.meet(ben)
    other, _ = await town.job("Pump", worker=ana)
    await town.meet(ana)
    assert not await on_writer(
        town, want_files_to_do, ana.phone, ana.stream, [bytes.fromhex(other)]
    )


async def test_a_photo_from_a_phone_is_awaited_until_its_bytes_are_here(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    stream = bytes.fromhex(job)
    await on_writer(town, attach_file, ana.phone, stream, "valve.png", RED)

    def carried() -> None:
        # Carried by hand come entries alone, so the hub knows of a photo that it lacks.
        hub = town.office.hub.replica
        take_in_words(hub, file_for(ana.phone, receiver_named(ana.phone, "")).data)

    await on_writer(town, carried)
    eva = await town.office.signed_in("Eva")
    seen = await pane(eva, job)
    assert "valve.png Ana, 12:00 Not here yet: awaited from Ana’s phone." in seen.words
    (file,) = await files_of(town, job)
    assert f'href="/files/{job}/{file}"' not in seen.text
    headers, words = await given(eva, job, file)
    assert b"not here yet" in words
    await town.meet(ana)
    assert "On this hub" in (await pane(eva, job)).words
    headers, data = await given(eva, job, file)
    assert data == RED
    assert headers["Content-Type"] == "image/png"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


async def test_a_page_that_a_phone_passes_off_as_a_picture_is_saved_and_never_shown(
    town: Town,
) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    # A program of somebody's own that sees to nothing.
    await on_writer(town, _save_unchecked, ana, job)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    seen = await pane(eva, job)
    assert "<img" not in seen.text[seen.text.index("data-files-of") :]
    headers, data = await given(eva, job, (await files_of(town, job))[0])
    assert data == PAGE
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''valve.png"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def _save_unchecked(ana: Worker, job: str) -> None:
    save_file(ana.phone, bytes.fromhex(job), PAGE, name="valve.png")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.jpg", b"", "“empty.jpg” is empty; see whether the right file was chosen."),
        ("long.bin", bytes(FILE_BYTES_MAX + 1), "is too large; 16 MiB at most; make it smaller"),
        ("..", RED, "has no name that can be shown"),
        ("photo.jpg", PAGE, "“photo.jpg” is called a picture and is none"),
    ],
)
async def test_what_is_no_file_for_a_job_is_refused_in_words_and_changes_nothing(
    town: Town, name: str, data: bytes, words: str
) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    before = (await town.row(job))["frontier"]
    seen = await add(eva, job, (name, data), scripted=True)
    assert seen.status == 422
    assert words in _told(seen)
    assert words in (await add(eva, job, (name, data))).words
    assert (await town.row(job))["frontier"] == before
    assert town.office.hub.replica.files.addresses() == []


def _told(seen: Seen) -> str:
    return unquote(seen.headers["X-Board-Notice"])


async def test_a_hub_without_room_says_so_and_keeps_what_came_before(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    assert (await add(eva, job, ("one.png", RED), scripted=True)).status == 200
    seen = await add(eva, job, ("again.png", RED), scripted=True)
    assert "the job has this very file already" in _told(seen)
    town.office.hub.replica.store.disk = NearlyFull()
    seen = await add(eva, job, ("two.png", png(1, 2, 3)), scripted=True)
    assert seen.status == 507
    assert "no room left on this device" in _told(seen)
    assert len(await files_of(town, job)) == 1


async def test_a_file_is_removed_by_an_act_that_can_be_undone(town: Town) -> None:
    ana = await town.worker("Ana")
    job, _ = await town.job("Boiler", worker=ana)
    await town.meet(ana)
    await on_writer(town, attach_file, ana.phone, bytes.fromhex(job), "valve.png", RED)
    await town.meet(ana)
    eva = await town.office.signed_in("Eva")
    (file,) = await files_of(town, job)
    seen = await eva.post(f"/board/job/{job}/remove-file", {"file": file})
    assert "“valve.png” is removed from A-1." in seen.words
    section = seen.text[seen.text.index("data-files-of") :]
    assert f"/files/{job}/{file}" not in section
    assert b"may have been removed" in (await given(eva, job, file))[1]
    assert "File removed valve.png" in (await pane(eva, job)).words
    seen = await eva.post(f"/board/job/{job}/remove-file", {"file": file})
    assert "not there any more" in seen.words
    (act,) = [row.entry for row in await town.office.history(job) if row.field == "file removed"]
    await eva.post("/board/undo", {"act": f"{job}-{act}", "back": f"/jobs/{job}"})
    seen = await pane(eva, job)
    assert f"/files/{job}/{file}" in seen.text
    assert "File put back valve.png" in seen.words
    assert (await given(eva, job, file))[1] == RED


async def test_adding_a_file_is_undone_and_a_manager_adds_none(town: Town) -> None:
    job, _ = await town.job("Boiler")
    eva = await town.office.signed_in("Eva")
    seen = await add(eva, job, ("valve.png", RED), scripted=True)
    act = seen.headers["X-Board-Undo"]
    await eva.post("/board/undo", {"act": act, "back": f"/jobs/{job}"})
    assert "/files/" + job + "/" not in (await pane(eva, job)).text
    assert "File added" in (await eva.get("/acts")).words
    mia = await town.office.signed_in("Mia", "manager")
    await pane(mia, job)
    assert (await add(mia, job, ("two.png", png(1, 2, 3)), scripted=True)).status == 403
    assert len(await files_of(town, job)) == 1
