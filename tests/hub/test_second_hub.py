"""Two hubs of one site: certified by files, in session by themselves, a phone between them."""

from __future__ import annotations

import argparse
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from core.dispatch import acts
from core.dispatch.fields import Phase, Role
from core.log.canonical import pack, unpack
from core.log.errors import LogError, SessionRefused, Unauthentic
from hub.commands.enrol import configure
from hub.hub import Hub
from hub.hub_sessions import HubSessions, told_addresses
from hub.second_hub import (
    MAGIC,
    HubRefused,
    HubRequest,
    answer,
    ask,
    begin,
    read_request,
    signed_bytes,
)
from replica.carrying import file_for, take_file
from replica.commandline import CommandError
from replica.dialling import hub_dialler
from replica.hubs import other_hubs
from replica.identity import SITE_KEY_FILE, IdentityError
from replica.joining import HubAddress
from replica.link import LinkClosed
from replica.receivers import receiver_named
from tests.build import Entropy, SettableClock
from tests.core.log.authors import author_of, key_of
from tests.core.log.pages import hex_examples
from tests.running import HubAtWork, running_hub, running_phone, synced, until


@asynccontextmanager
async def reaching_others(hub: HubAtWork) -> AsyncIterator[HubSessions]:
    """A hub that tells its address and dials the others, as `fieldlog hub` does."""
    here = hub.hub
    async with HubSessions(
        here.writer, (hub.address,), lambda author: author in here.conversations, lambda: None
    ) as sessions:
        here.hub_sessions = sessions
        yield sessions


async def certified(first: HubAtWork, folder: Path, letter: str = "B") -> bytes:
    """The folder of a second hub, certified by the first; the file that it is to take in."""
    request = read_request(ask(folder, letter, Entropy(f"hub {letter}")))
    hub = first.hub
    made = await hub.writer.run(answer, hub.replica, hub.folder, request)
    begin(folder, made.data)
    return made.data


def _file_for_b(hub: Hub) -> bytes:
    return file_for(hub.replica, receiver_named(hub.replica, "B")).data


async def holds_job(hub: HubAtWork, title: str) -> None:
    async def shown() -> bool:
        return (title,) in await hub.rows("SELECT title FROM job")

    await until(shown, f"the hub shows {title}")


async def test_a_second_hub_begins_with_the_site_and_then_both_assign(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_hub(tmp_path / "a", clock))
        worker = await first.worker("Aino")
        await first.job("Boiler", worker)
        await stack.enter_async_context(reaching_others(first))
        data = await certified(first, tmp_path / "b")
        second = await stack.enter_async_context(running_hub(tmp_path / "b", clock, seed="hub B"))
        brought = await second.hub.writer.run(take_file, second.hub.replica, data)
        assert brought.refused == ()
        assert await second.rows("SELECT number, title FROM job") == [("A-1", "Boiler")]
        # It knows where the first one is from the site's own stream, and needs nothing else.
        sessions = await stack.enter_async_context(reaching_others(second))
        await until(
            lambda: (told := sessions.figures("A")) is not None and told.live,
            "the hubs are in session",
        )
        await second.job("Gutter", worker)
        await first.job("Meter", worker)
        for hub in (first, second):
            for title in ("Boiler", "Gutter", "Meter"):
                await holds_job(hub, title)
        numbers = await first.rows("SELECT number FROM job ORDER BY number")
        assert numbers == [("A-1",), ("A-2",), ("B-1",)]
        digest = [await hub.hub.writer.run(_leaves, hub.hub) for hub in (first, second)]
        assert digest[0] == digest[1]


def _leaves(hub: Hub) -> list[tuple[bytes, bytes]]:
    db = hub.replica.store.db
    return sorted(db.execute("SELECT stream, leaf FROM stream").fetchall())


async def test_a_phone_whose_hub_is_gone_goes_on_with_the_other(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(running_phone(tmp_path / "phone", clock))
        async with AsyncExitStack() as first_stack:
            first = await first_stack.enter_async_context(running_hub(tmp_path / "a", clock))
            await first_stack.enter_async_context(reaching_others(first))
            data = await certified(first, tmp_path / "b")
            second = await stack.enter_async_context(
                running_hub(tmp_path / "b", clock, seed="hub B")
            )
            await second.hub.writer.run(take_file, second.hub.replica, data)
            await stack.enter_async_context(reaching_others(second))
            worker = await first.worker("Aino")
            job, turn = await first.job("Boiler", worker)
            offer = await first.offer(worker)
            await phone.enrol(link=offer.link)
            await synced(phone)
            await holds_job(second, "Boiler")

            async def knows_both() -> bool:
                replica = phone.writer.replica
                return len(await phone.writer.run(other_hubs, replica)) == 2

            await until(knows_both, "the phone knows where both hubs are")
        await phone.act(acts.set_phase(job, worker, turn, Phase.FINISHED))
        await synced(phone)
        assert await second.rows("SELECT status FROM job") == [("done",)]


async def test_a_refusal_counts_only_where_it_is_the_first_hubs(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "a", clock) as hub:
        silent = HubAddress(("127.0.0.1:9",), b"s" * 32)
        stranger = HubAddress((hub.address,), b"x" * 32)

        async def dialled(*hubs: HubAddress) -> None:
            async def listed() -> tuple[HubAddress, ...]:
                return hubs

            async with hub_dialler(listed)():
                pass

        with pytest.raises(LinkClosed):
            await dialled(silent, stranger)
        with pytest.raises(Unauthentic, match="another machine"):
            await dialled(stranger, silent)


async def test_a_hub_that_was_restored_is_dialled_once_and_carried_to_under_its_new_key(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        async with running_hub(tmp_path / "a", clock) as first:
            await first.job("Boiler")
            async with reaching_others(first):
                data = await certified(first, tmp_path / "b")
            old = first.hub.replica.author
        clock.pass_ms(60_000)
        shutil.copytree(tmp_path / "a", tmp_path / "restored")
        again = await stack.enter_async_context(
            running_hub(tmp_path / "restored", clock, seed="again")
        )
        await stack.enter_async_context(reaching_others(again))
        second = await stack.enter_async_context(running_hub(tmp_path / "b", clock, seed="hub B"))
        here = second.hub
        await here.writer.run(take_file, here.replica, data)
        brought = await again.hub.writer.run(_file_for_b, again.hub)
        await here.writer.run(take_file, here.replica, brought)
        sessions = await stack.enter_async_context(reaching_others(second))
        await until(
            lambda: (told := sessions.figures("A")) is not None and told.live, "they are in session"
        )
        (known,) = await here.writer.run(other_hubs, here.replica)
        assert known.authors == {old, again.hub.replica.author}
        assert known.addresses[0] == again.address
        # It is one hub with one session, and files are made for the key that it has now.
        told = sessions.figures("A")
        assert told is not None
        assert told.tries == 1
        named = await here.writer.run(receiver_named, here.replica, "A")
        assert named.certificate.author == again.hub.replica.author != old


async def test_only_the_keeper_of_the_sites_key_certifies_and_no_letter_is_given_twice(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_hub(tmp_path / "a", clock))
        data = await certified(first, tmp_path / "b")
        second = await stack.enter_async_context(running_hub(tmp_path / "b", clock, seed="hub B"))
        await second.hub.writer.run(take_file, second.hub.replica, data)
        third = read_request(ask(tmp_path / "c", "C", Entropy("hub C")))
        with pytest.raises(HubRefused, match="keeps the site's key"):
            await second.hub.writer.run(answer, second.hub.replica, second.hub.folder, third)
        for letter in "AB":
            again = read_request(ask(tmp_path / f"d{letter}", letter, Entropy(f"hub d{letter}")))
            with pytest.raises(HubRefused, match=f"letter {letter} already.*--letter C"):
                await first.hub.writer.run(answer, first.hub.replica, first.hub.folder, again)
        hubs = first.hub.replica.certificates_of(Role.HUB)
        assert sorted(each.subject for each in hubs) == [b"A", b"B"]


async def test_answering_twice_makes_no_second_certificate(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "a", clock) as first:
        request = read_request(ask(tmp_path / "b", "B", Entropy("hub B")))
        hub = first.hub
        for _ in range(2):
            made = await hub.writer.run(answer, hub.replica, hub.folder, request)
            begin(tmp_path / "b", made.data)
        assert len(hub.replica.certificates_of(Role.HUB)) == 2


async def test_a_hub_that_was_revoked_is_dialled_no_more(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_hub(tmp_path / "a", clock))
        data = await certified(first, tmp_path / "b")
        second = await stack.enter_async_context(running_hub(tmp_path / "b", clock, seed="hub B"))
        await second.hub.writer.run(take_file, second.hub.replica, data)
        author = second.hub.replica.author
        address = acts.set_hub_addresses(author, [second.address])
        await first.hub.writer.run(first.hub.replica.write, address)
        sessions = await stack.enter_async_context(reaching_others(first))
        await until(
            lambda: (told := sessions.figures("B")) is not None and told.tries > 0, "it is dialled"
        )
        await first.hub.writer.run(first.hub._revoke, author, b"")
        await until(lambda: sessions.figures("B") is None, "it is dialled no more")


def test_a_damaged_request_is_refused_in_words(tmp_path: Path) -> None:
    data = ask(tmp_path / "b", "B", Entropy("hub B"))
    chance = random.Random(5)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << chance.randrange(8)
        with pytest.raises(HubRefused):
            read_request(bytes(damaged))
        with pytest.raises(HubRefused):
            read_request(data[:at])
    with pytest.raises(HubRefused):
        read_request(data + b"\0")


def test_others_are_not_told_to_look_at_themselves() -> None:
    assert told_addresses(("10.0.0.5:8443", "127.0.0.1:8443")) == ("10.0.0.5:8443",)
    assert told_addresses(("[::1]:8443", "hub.lan:8443", "localhost:1")) == ("hub.lan:8443",)
    assert told_addresses(("127.0.0.1:8443",)) == ("127.0.0.1:8443",)


# --- as people type it


def enrol(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="fieldlog enrol")
    configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


async def test_the_three_steps_print_what_comes_next_and_the_sites_digits(
    tmp_path: Path, clock: SettableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_hub(tmp_path / "a", clock) as first:
        await first.job("Boiler")
        site = first.hub.replica.site.hex()[:12]
    asked, answered = tmp_path / "ask.hub", tmp_path / "answer.carried"
    assert enrol("ask", "--data", tmp_path / "b", "--letter", "B", "--to", asked) == 0
    assert "fieldlog enrol answer" in capsys.readouterr().out
    first_folder = tmp_path / "a"
    assert enrol("answer", "--data", first_folder, "--from", asked, "--to", answered) == 0
    told = capsys.readouterr().out
    assert f"hub B of site {site}" in told
    assert "fieldlog enrol take" in told
    assert enrol("take", "--data", tmp_path / "b", "--from", answered) == 0
    told = capsys.readouterr().out
    assert f"hub B of site {site}" in told
    assert "The file of hub A brought" in told
    async with running_hub(tmp_path / "b", clock, seed="b") as second:
        assert await second.rows("SELECT title FROM job") == [("Boiler",)]


async def test_what_is_typed_wrongly_is_answered_in_words(
    tmp_path: Path, clock: SettableClock
) -> None:
    async with running_hub(tmp_path / "a", clock):
        pass
    asked, answered = tmp_path / "ask.hub", tmp_path / "answer.carried"
    with pytest.raises(CommandError, match="holds a hub or phone already"):
        enrol("ask", "--data", tmp_path / "a", "--letter", "B", "--to", asked)
    with pytest.raises(CommandError, match="no folder"):
        enrol("take", "--data", tmp_path / "none", "--from", asked)
    enrol("ask", "--data", tmp_path / "b", "--letter", "B", "--to", asked)
    with pytest.raises(CommandError, match="there already"):
        enrol("ask", "--data", tmp_path / "b", "--letter", "B", "--to", asked)
    with pytest.raises(CommandError, match="no hub in"):
        enrol("answer", "--data", tmp_path / "b", "--from", asked, "--to", answered)
    with pytest.raises(CommandError, match="cannot be used"):
        enrol("answer", "--data", tmp_path / "a", "--from", tmp_path / "no", "--to", answered)
    with pytest.raises(CommandError, match="no file that"):
        enrol("take", "--data", tmp_path / "b", "--from", asked)
    assert not answered.exists()


async def test_a_hub_that_waits_for_its_answer_founds_no_site_of_its_own(
    tmp_path: Path, clock: SettableClock
) -> None:
    ask(tmp_path / "b", "B", Entropy("hub B"))
    with pytest.raises(IdentityError, match="no answer yet"):
        async with running_hub(tmp_path / "b", clock):
            pass
    assert not (tmp_path / "b" / SITE_KEY_FILE).exists()


async def test_the_answer_begins_no_other_hub(tmp_path: Path, clock: SettableClock) -> None:
    async with running_hub(tmp_path / "a", clock) as first:
        data = await certified(first, tmp_path / "b")
        ask(tmp_path / "c", "C", Entropy("hub C"))
        with pytest.raises(SessionRefused):
            begin(tmp_path / "c", data)
        with pytest.raises(LogError):
            begin(tmp_path / "b", data[:-1])
        with pytest.raises(HubRefused, match="begin with"):
            begin(tmp_path, data)


@pytest.mark.parametrize(
    "asked",
    [
        [1, author_of("south"), "B", 32],
        [1, author_of("south"), "B", "T" * 32],
        [1, author_of("south"), "B", None],
        [True, author_of("south"), "B", b"T" * 32],
        [1, author_of("south"), ["B"], b"T" * 32],
    ],
)
def test_a_signed_request_of_other_fields_is_refused_in_words(asked: list[object]) -> None:
    data = MAGIC + pack([*asked, key_of("south").sign(signed_bytes(asked))])
    with pytest.raises(HubRefused, match="newer version"):
        read_request(data)


def test_the_pages_request_is_what_is_read_and_signed() -> None:
    data = hex_examples("hub-request.md")["request"]
    assert read_request(data) == HubRequest(author_of("north"), "B", b"T" * 32)
    *asked, signature = unpack(data[len(MAGIC) :])
    assert key_of("north").sign(signed_bytes(asked)) == signature
