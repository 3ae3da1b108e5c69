"""The commands `prove` and `verify`, as a person meets them: words, files and exit codes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch import acts, day_acts
from core.dispatch.acts import SITE_STREAM, Change
from core.dispatch.fields import FIELDS, LogKind, Phase
from core.log.bundle import write
from core.log.errors import LogError
from core.log.proof import prove
from hub.revocation import shut_out
from replica.bundle_report import report
from replica.commandline import CommandError
from replica.commands import prove as prove_command
from replica.commands import verify as verify_command
from replica.occupied import occupied
from tests.build import MINUTE_MS, START_MS, Site, clock_of, force, hold
from tests.core.log.authors import AT_MS, STREAM
from tests.core.log.bundles import Draft, example, forked, log_of, signed
from tests.core.log.test_certificates import SITE
from tests.damaged_bundles import single_file_verifier
from tests.replica.test_proving import DAY, Town
from tests.running import running_hub

Say = Callable[..., tuple[int, str, str]]


def run(command: ModuleType, *words: object) -> int:
    """What `fieldlog <command> words` does."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    code: int = arguments.run(arguments)
    return code


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command; its exit code, output and errors."""

    def said(command: ModuleType, *words: object) -> tuple[int, str, str]:
        code = run(command, *words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return said


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    site = Site(tmp_path / "town")
    yield Town(site)
    site.close()


@pytest.fixture
def folder(town: Town) -> Path:
    return town.hub.store.path.parent


def test_a_job_is_proven_and_verified_with_the_site_key_alone(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    bundle = tmp_path / "job A-17.bundle"
    code, out, _ = say(prove_command, "job", "A-17", "--data", folder, "--to", bundle)
    assert code == 0
    assert "entries 3, streams 1" in out
    assert f"fieldlog verify '{bundle}' --site {town.site.site.hex()}" in out
    code, out, err = say(verify_command, bundle, "--site", town.site.site.hex())
    assert (code, err) == (0, "")
    assert out.endswith("\nPROVEN.\n")
    assert f"Job A-17 Boiler (stream {town.job.hex()})" in out
    worker = f"worker {town.ana.hex()}"
    assert f"{worker}: key {town.phone.author.hex()}, certified by hub A" in out
    assert (
        f"2026-03-02 07:00:00  {worker}; known to hub A by 2026-03-02 08:00:00\n"
        f"      phase, {worker}: on site\n"
    ) in out
    assert "Nothing is missing as far as a bundle can show" in out
    assert "Not proven: that what people wrote is true" in out
    assert single_file_verifier().main([str(bundle), town.site.site.hex()]) == 0


def test_a_day_tells_the_time_that_counts(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    bundle = tmp_path / "day"
    names = ("--with-names",)
    say(
        prove_command, "worker-day", "žofie nováková", DAY, "--data", folder, "--to", bundle, *names
    )
    code, out, _ = say(verify_command, bundle, "--site", town.site.site.hex())
    assert code == 0
    assert "A worker's day, 2026-03-02" in out
    assert f"log start 6c6f672d61616161, job {town.job.hex()}: on site" in out
    assert "Time that counts for Žofie Nováková" in out
    assert f"2026-03-02 07:00:00 to 07:50:00  0:50:00  on site, manual, job {town.job.hex()}" in out
    assert "together 0:50:00" in out


def test_names_days_and_the_site_are_added_where_asked_for(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    def streams(*options: str) -> list[str]:
        bundle = tmp_path / f"with{len(options)}"
        say(prove_command, "job", "A-17", "--data", folder, "--to", bundle, *options)
        _, out, _ = say(verify_command, bundle, "--site", town.site.site.hex())
        return re.findall(r"^(?!  )(\S.*) \(stream ", out, re.M)

    assert streams() == ["Job A-17 Boiler"]
    all_of_it = ["Site", "A worker's day, 2026-03-02", "Worker Žofie Nováková", "Job A-17 Boiler"]
    assert sorted(streams("--with-names", "--with-days", "--with-site")) == sorted(all_of_it)


def test_the_site_key_is_shown_alone_and_read_from_a_file(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    code, out, _ = say(prove_command, "site-key", "--data", folder)
    assert (code, out) == (0, f"{town.site.site.hex()}\n")
    key = tmp_path / "site key.txt"
    spaced = " ".join(re.findall("....", town.site.site.hex().upper()))
    for text in (out, spaced, spaced.replace(" ", ":")):
        key.write_text(text)
        assert verify_command.read_site_key(str(key)) == town.site.site
        assert verify_command.read_site_key(text) == town.site.site


@pytest.mark.parametrize("key", ["", "abcd", "g" * 64, "/", "nowhere.txt", "00" * 33])
def test_what_is_no_site_key_is_said(key: str, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.write_bytes(example().data())
    with pytest.raises(CommandError, match="neither a site's key of 64 hex digits nor a file"):
        run(verify_command, bundle, "--site", key)


def test_a_hub_that_runs_need_not_be_stopped(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    with occupied(folder), town.hub.store.transaction() as db:
        db.execute("UPDATE stream SET left_at = left_at")
        code, _, _ = say(prove_command, "job", "A-17", "--data", folder, "--to", tmp_path / "b")
    assert code == 0


async def test_a_real_hub_at_work_is_proven_with_its_witness(
    town: Town, tmp_path: Path, say: Say
) -> None:
    async with running_hub(tmp_path / "hub", clock_of(town.hub)) as hub:
        job, _ = await hub.job("Pump", await hub.worker("Ana"))
        await hub.hub._witness()
        say(prove_command, "job", job.hex(), "--data", hub.hub.folder, "--to", tmp_path / "b")
        code, out, _ = say(verify_command, tmp_path / "b", "--site", hub.hub.replica.site.hex())
    assert code == 0
    assert "Job A-1 Pump" in out
    assert "witnessed by hub A 2026-03-02 08:00:00" in out
    assert f"for account {'00' * 8}" in out


# --- doubts and damage


def test_a_key_that_was_shut_out_is_shown_with_what_does_not_count(
    town: Town, folder: Path, tmp_path: Path, say: Say
) -> None:
    bo = town.site.worker(town.hub, "Bo")
    courier = town.site.phone(town.hub, bo)
    town.hub.write(acts.assign(town.job, bo, b"turn-bo1"))
    hold(courier, town.hub)
    shut_out(town.hub, town.phone.author)
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    hold(town.phone, courier)
    hold(courier, town.hub)
    _, out, _ = say(prove_command, "job", "A-17", "--data", folder, "--to", tmp_path / "b")
    assert "In doubt: revoked" in out
    code, out, _ = say(verify_command, tmp_path / "b", "--site", town.site.site.hex())
    assert code == 1
    assert out.endswith("\nPROVEN, but see what is in doubt.\n")
    assert "does not count: after revocation" in out
    assert "counts up to entry 1 here" in out
    assert "certified by hub A; revoked" in out


def test_a_revocation_that_the_exporter_hides_is_found_in_the_sites_own_history(
    town: Town,
) -> None:
    shut_out(town.hub, town.phone.author)
    _, proven = town.prove(town.job, SITE_STREAM)
    data = write(replace(proven.bundle, revoked=()), town.hub.identity.key.sign)
    hidden = prove(data, town.site.site)
    assert hidden.doubts == ()
    lines, doubts = report(hidden)
    assert [doubt.kind for doubt in doubts] == ["revoked"]
    assert "does not say so" in "\n".join(lines)


def test_a_clock_that_runs_ahead_of_the_hubs_is_told(town: Town, say: Say) -> None:
    clock_of(town.phone).pass_ms(600 * MINUTE_MS)
    town.phone.write(acts.set_phase(town.job, town.ana, town.turn, Phase.FINISHED))
    hold(town.phone, town.hub)
    lines = "\n".join(report(town.prove(town.job)[1])[0])
    assert "before its author's clock says that it was written" in lines


def test_what_was_written_by_a_rule_or_can_not_be_read_is_told(town: Town) -> None:
    town.hub.write(acts.add_note(town.job, "made by itself"), by_rule=True)
    force(town.phone, town.job, [Change(town.job, (70,), "x")], version=2)
    hold(town.phone, town.hub)
    lines = "\n".join(report(town.prove(town.job)[1])[0])
    assert "hub A, by a rule" in lines
    assert "does not count: of format 2" in lines


def test_a_damaged_bundle_is_refused_by_name(tmp_path: Path, say: Say) -> None:
    bundle = tmp_path / "bundle"
    bundle.write_bytes(example().data()[:-1] + b"\0")
    code, out, err = say(verify_command, bundle, "--site", SITE.hex())
    assert (code, out) == (3, "")
    assert err.startswith(f"NOT PROVEN. {bundle} is unauthentic: the bundle is not what")
    bundle.write_bytes(example().data())
    code, _, err = say(verify_command, bundle, "--site", "11" * 32)
    assert code == 3
    assert "is wrong-site" in err
    bundle.write_bytes(b"a letter")
    assert (
        "is malformed: this is no bundle of Fieldlog"
        in say(verify_command, bundle, "--site", SITE.hex())[2]
    )


def test_both_verifiers_answer_with_the_same_exit_code(tmp_path: Path, say: Say) -> None:
    bundle, file = tmp_path / "bundle", single_file_verifier()
    for data in (example().data(), forked().data(), example().data()[:-1], b""):
        bundle.write_bytes(data)
        code, _, _ = say(verify_command, bundle, "--site", SITE.hex())
        assert file.main([str(bundle), SITE.hex()]) == code


# --- wrong use


def test_a_file_that_is_there_is_not_written_over(folder: Path, tmp_path: Path, town: Town) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    with pytest.raises(CommandError, match="is there already; choose another"):
        run(prove_command, "job", "A-17", "--data", folder, "--to", there)
    assert there.read_text() == "mine"


def test_where_nothing_can_be_proven_no_file_is_written(
    folder: Path, tmp_path: Path, town: Town
) -> None:
    target = tmp_path / "bundle"
    with pytest.raises(CommandError, match="there is no job 'Z-1' here"):
        run(prove_command, "job", "Z-1", "--data", folder, "--to", target)
    with pytest.raises(CommandError, match="is no folder of a hub or phone that joined a site"):
        run(prove_command, "job", "A-17", "--data", tmp_path, "--to", target)
    with pytest.raises(CommandError, match="cannot be written"):
        run(prove_command, "job", "A-17", "--data", folder, "--to", tmp_path / "no" / "folder")
    town.hub.store.path.rename(tmp_path / "away")
    with pytest.raises(CommandError, match="there is no store in"):
        run(prove_command, "job", "A-17", "--data", folder, "--to", target)
    (folder / "identity").write_bytes(b"nonsense")
    with pytest.raises(CommandError, match="is damaged"):
        run(prove_command, "site-key", "--data", folder)
    assert not target.exists()


def test_a_bundle_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(verify_command, tmp_path / "nowhere", "--site", SITE.hex())


# --- whatever people wrote


numbers = st.integers(-(2**63), 2**64 - 1)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=20) | st.binary(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(lambda found: dict(enumerate(found)))
    ),
    max_leaves=8,
)
paths = st.tuples(st.sampled_from([*FIELDS, 7_000])).flatmap(
    lambda code: st.lists(st.binary(min_size=1, max_size=12) | st.integers(0, 9), max_size=3).map(
        lambda ids: (*code, *ids)
    )
)
KINDS = [STREAM, *(STREAM[:4] + bytes([kind]) + STREAM[5:] for kind in (0, 1, 2, 3, 5, 9))]


@settings(max_examples=40)
@given(st.lists(st.tuples(paths, values), min_size=1, max_size=6), st.sampled_from(KINDS))
def test_any_entry_whatever_it_says_is_reported_in_lines_that_do_nothing_to_a_terminal(
    changes: list[tuple[tuple[object, ...], object]], stream: bytes
) -> None:
    logs = [log_of("ana", stream), log_of("north", stream)]
    for log in logs:
        for number, change in enumerate(changes):
            try:
                log.write([change], wall_ms=AT_MS + number)
            except LogError:
                continue
    written = [log for log in logs if log.entries]
    if not written:
        return
    lines, _ = report(prove(Draft(written).data(), SITE))
    assert all(line.isprintable() for line in lines)
    count = sum(len(log.entries) for log in written)
    assert sum(bool(re.match(r"  [\d ]{4}.{15}  (hub|worker)", line)) for line in lines) == count


def test_a_text_that_would_move_the_cursor_is_made_harmless() -> None:
    ana = log_of("ana")
    ana.write([((97, b"note0001"), "\x1b[2J\u202egone\nPROVEN.")])
    lines, _ = report(prove(signed(Draft([ana]).bundle()), SITE))
    (line,) = [line for line in lines if "gone" in line]
    assert line.strip() == "note 6e6f746530303031:  [2J gone PROVEN."


def test_duty_and_track_stand_in_words(town: Town) -> None:
    town.phone.write(day_acts.start_duty(town.ana, DAY, b"duty-one", at_ms=START_MS))
    town.phone.write(
        day_acts.correct_log(
            town.ana, DAY, old_job=town.job, old=b"log-aaaa", new=b"log-bbbb", job=town.job,
            kind=LogKind.WAITING, start_ms=START_MS, stop_ms=START_MS + 90_000, reason="typed",
        )
    )  # fmt: skip
    hold(town.phone, town.hub)
    lines = "\n".join(report(town.prove(town.day)[1])[0])
    assert "duty start 647574792d6f6e65: at 2026-03-02 07:00:00" in lines
    assert ": waiting at 2026-03-02 07:00:00" in lines
    assert "07:01:30  0:01:30  waiting, correction" in lines
