"""Files carried by hand, from the office's pages: one for each phone, and taking in theirs."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from core.dispatch.acts import (
    add_note,
    assign,
    create_job,
    edit_worker,
    new_stream_id,
    set_hub_addresses,
)
from core.dispatch.fields import Kind
from core.dispatch.next_key import is_asked
from core.log.fork_proof import check_fork, read_fork
from hub.hub_sessions import HubSessions
from hub.revocation import shut_out
from hub.second_hub import answer, ask, begin, read_request
from replica.carrying import file_for, take_file
from replica.clock import SystemClock
from replica.joining import join_by_link
from replica.opening import open_at_rest
from replica.receivers import receiver_named
from replica.replica import Replica
from replica.store import Store
from tests.build import SettableClock, put
from tests.running import running_hub, until
from tests.web.office import NOON_MS, Office, Person, Seen


async def phone_of(office: Office, worker: bytes, folder: Path) -> Replica:
    """A phone that has joined, and then never met the hub again."""
    await office.listen_for_phones()
    made = await office.hub.writer.run(office.hub.enrolments.offer, worker)
    folder.mkdir()
    await join_by_link(folder, made.link, os.urandom)
    return open_at_rest(folder, SystemClock(), os.urandom)


async def bring(person: Person, data: bytes | None) -> Seen:
    """Choose a file on the page and send it."""
    await person.get("/phones")
    fields = {} if data is None else {"file": io.BytesIO(data)}
    return await person.post("/phones/file", fields)


async def test_a_job_goes_out_and_comes_back_in_files(office: Office, tmp_path: Path) -> None:
    eva = await office.signed_in("Eva")
    worker = new_stream_id(Kind.WORKER, NOON_MS, office.entropy(7))
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(edit_worker(worker, {"name": "Ana"}))
    phone = await phone_of(office, worker, tmp_path / "phone")
    await office.act(create_job(job, {"title": "Boiler"}) + assign(job, worker, office.entropy(8)))
    page = await eva.get("/phones")
    (link,) = re.findall(r'href="(/phones/[0-9a-f]{64}/file)"', page.text)
    named, data = await eva.download(link)
    assert named == 'attachment; filename="for-Ana-2026-11-23.carried"'
    assert take_file(phone, data).refused == ()
    assert phone.store.db.execute("SELECT title FROM job").fetchone() == ("Boiler",)
    phone.write(add_note(job, "gate code 4711"))
    seen = await bring(eva, file_for(phone, receiver_named(phone, "")).data)
    assert "The file of Ana brought 1 entry; all is saved here." in seen.words
    assert await office.rows("SELECT text FROM note") == [{"text": "gate code 4711"}]
    phone.close()


async def test_what_is_no_file_for_this_hub_is_refused_in_words(office: Office) -> None:
    eva = await office.signed_in("Eva")
    before = await office.rows("SELECT count(*) FROM entry")
    assert "Choose a file first." in (await bring(eva, None)).words
    assert "no file that" in (await bring(eva, b"Dear hub, " * 30)).words
    assert "for another hub or phone" in (await bring(eva, b"FLCARRY1" + bytes(300))).words
    assert (await bring(eva, bytes(1_100_000))).status == 413
    nobody = await eva.get(f"/phones/{'0' * 64}/file")
    assert "nobody" in nobody.words
    assert await office.rows("SELECT count(*) FROM entry") == before


async def test_a_manager_neither_makes_nor_takes_in_a_file(office: Office) -> None:
    max_reads = await office.signed_in("Max", "manager")
    page = await max_reads.get("/phones")
    assert "/file" not in page.text
    assert "reads only" in (await bring(max_reads, b"FLCARRY1" + bytes(300))).words


async def test_another_hub_stands_in_the_list_with_a_file_and_whether_it_is_in_session(
    office: Office, tmp_path: Path
) -> None:
    eva = await office.signed_in("Eva")
    await office.listen_for_phones()
    first = office.hub
    request = read_request(ask(tmp_path / "b", "B", os.urandom))
    made = await first.writer.run(answer, first.replica, first.folder, request)
    begin(tmp_path / "b", made.data)
    page = await eva.get("/phones")
    assert "Hub B never met" in page.words
    named, _ = await eva.download(f"/phones/{request.author.hex()}/file")
    assert named == 'attachment; filename="for-hub-B-2026-11-23.carried"'
    async with running_hub(tmp_path / "b", SettableClock(NOON_MS), seed="hub B") as second:
        await second.hub.writer.run(take_file, second.hub.replica, made.data)
        tell = set_hub_addresses(first.replica.author, first.addresses)
        await first.writer.run(first.replica.write, tell)
        carried = file_for(first.replica, receiver_named(first.replica, "B"))
        await second.hub.writer.run(take_file, second.hub.replica, carried.data)
        here = second.hub
        async with HubSessions(
            here.writer,
            (second.address,),
            lambda author: author in here.conversations,
            lambda: None,
        ):

            async def shown() -> bool:
                return "Hub B in session now" in (await eva.get("/phones")).words

            await until(shown, "the page shows the session")


async def test_what_came_after_a_key_was_shut_out_is_listed_and_let_count(
    office: Office, tmp_path: Path
) -> None:
    eva, max_reads = await office.signed_in("Eva"), await office.signed_in("Max", "manager")
    worker = new_stream_id(Kind.WORKER, NOON_MS, office.entropy(7))
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(edit_worker(worker, {"name": "Ana"}))
    phone = await phone_of(office, worker, tmp_path / "phone")
    await office.act(create_job(job, {"title": "Boiler"}) + assign(job, worker, office.entropy(8)))
    receiver = receiver_named(office.hub.replica, phone.author.hex())
    assert take_file(phone, file_for(office.hub.replica, receiver).data).refused == ()
    assert "after a key was shut out" not in (await eva.get("/phones")).words
    await office.hub.writer.run(shut_out, office.hub.replica, phone.author)
    phone.write(add_note(job, "valve replaced"))
    await office.hub.writer.run(put, phone, office.hub.replica, job)
    phone.close()
    form = {"stream": job.hex(), "author": phone.author.hex()}
    assert "Let it count" not in (await max_reads.get("/phones")).words
    assert "reads only" in (await max_reads.post("/phones/admit", form)).words
    page = await eva.get("/phones")
    assert "Written after a key was shut out" in page.words
    assert "Ana" in page.words
    assert await office.rows("SELECT text FROM note") == []
    assert "1 entry counts now" in (await eva.post("/phones/admit", form)).words
    assert await office.rows("SELECT text FROM note") == [{"text": "valve replaced"}]
    assert "somebody was faster" in (await eva.post("/phones/admit", form)).words
    assert "nothing was changed" in (await eva.post("/phones/admit", {"stream": "x"})).words


async def test_a_key_that_wrote_in_two_places_is_shown_with_its_proof(
    office: Office, tmp_path: Path
) -> None:
    eva = await office.signed_in("Eva")
    worker = new_stream_id(Kind.WORKER, NOON_MS, office.entropy(7))
    job = new_stream_id(Kind.JOB, NOON_MS, office.entropy(7))
    await office.act(edit_worker(worker, {"name": "Ana"}))
    phone = await phone_of(office, worker, tmp_path / "phone")
    await office.act(create_job(job, {"title": "Boiler"}) + assign(job, worker, office.entropy(8)))
    receiver = receiver_named(office.hub.replica, phone.author.hex())
    assert take_file(phone, file_for(office.hub.replica, receiver).data).refused == ()
    phone.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    clone = Replica(
        Store(copied(phone.store.path, tmp_path / "clone.sqlite")),
        phone.identity,
        phone.clock,
        os.urandom,
    )
    for each in (phone, clone):
        each.write(add_note(job, f"on {each.store.path.name}"))
    assert "wrote in two places" not in (await eva.get("/phones")).words
    for each in (phone, clone):
        seen = await bring(eva, file_for(each, receiver_named(each, "")).data)
        assert "1 entry; all is saved here" in seen.words
        each.close()
    page = await eva.get("/phones")
    assert "Keys that wrote in two places" in page.words
    (link,) = re.findall(r'href="(/phones/[0-9a-f]{64}/fork)"', page.text)
    _, data = await eva.download(link)
    assert check_fork(read_fork(data), phone.site).subject == worker
    asked = f"/phones/{phone.author.hex()}/new-key"
    assert "at its next contact" in (await eva.post(asked, {})).words
    assert is_asked(office.hub.replica.state(worker), phone.author)
    assert "no such phone" in (await eva.post(f"/phones/{'0' * 64}/new-key", {})).words
    await office.hub.writer.run(shut_out, office.hub.replica, phone.author)
    assert "Keys that wrote in two places" not in (await eva.get("/phones")).words
    assert len(await office.rows("SELECT text FROM note")) == 2


def copied(source: Path, to: Path) -> Path:
    """A copy of a store's file, as somebody makes who puts a backup back by hand."""
    to.write_bytes(source.read_bytes())
    return to
