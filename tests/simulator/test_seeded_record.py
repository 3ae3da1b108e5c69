"""What a seeded run writes down: every seed, what was wrong, and what nothing was proven of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replica.commandline import main
from simulator.report.of_seeds import SeedsLog
from simulator.report.record import Record, from_json, to_json
from simulator.scenario.shipped import shipped
from simulator.world.campaign import Failure
from simulator.world.run import Size
from simulator.world.wanted import Wanted


def recorded(log: SeedsLog, missed: tuple[str, ...] = ()) -> Record:
    return log.record(
        began="2026-01-02T03:04:05+00:00",
        took_s=60.0,
        command="fieldlog simulate seeded",
        workers=1,
        missed=missed,
    )


def test_a_run_leaves_a_report_that_reads_back_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["quiet-day", "--phones", "2", "--entries", "2", "--seeds", "1", "--from", "4"]
    folder = tmp_path / "new" / "reports"
    assert main(["simulate", "seeded", *words, "--report", str(folder)]) == 0
    assert f"report: {folder / 'report.json'}" in capsys.readouterr().out
    record = from_json((folder / "report.json").read_text())
    assert record.kind == "seeded"
    assert record.passed
    assert record.command == (
        "fieldlog simulate seeded quiet-day --phones 2 --entries 2 --seeds 1 --from 4"
    )
    assert record.scenario["name"] == "quiet day"
    assert record.scenario["site"]["phones"] == 2
    (seed,) = record.seeds
    assert (seed.seed, seed.device_days, seed.wrong) == (4, 2, "")
    figures = {figure.name: figure.value for figure in record.figures}
    assert figures["seeds passed"] == 1
    assert figures["entries"] == seed.entries
    assert record.counts["a link ended"] > 0
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_can_not_be_one_is_refused_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert main(["simulate", "seeded", "--seeds", "1", "--report", str(file)]) == 2
    assert "no report can be written there" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_every_seed_that_failed_is_told_once_by_its_checker_with_the_way_on() -> None:
    wanted = Wanted(Size(phones=3), plant="early-ack")
    log = SeedsLog(wanted, seeds=40)
    for seed in range(30, 0, -1):
        log.add(Failure(seed, "durable", f"gone {seed}", ("kills",), ()), 1.0)
    log.add(Failure(31, "reach", "too much", (), ()), 2.0)
    record = recorded(log)
    assert not record.passed
    assert [seed.seed for seed in record.seeds] == list(range(1, 32))
    assert record.seeds[4].replay == "fieldlog simulate replay 5 --phones 3 --plant early-ack"
    durable, reach, early = record.findings
    assert durable.words == "durable objected to seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …: gone 1"
    assert "fieldlog simulate shrink 1 --phones 3 --plant early-ack" in durable.cause
    assert reach.words == "reach objected to seed 31: too much"
    assert early.words == "the run ended early: 31 of 40 seeds were run"
    assert record.scenario["planted bug"] == "early-ack"
    assert from_json(to_json(record)) == from_json(json.dumps(json.loads(to_json(record))))


def test_what_was_promised_and_not_reached_is_a_warning_and_no_failure() -> None:
    log = SeedsLog(Wanted(scenario=shipped("storm"), called="storm"), seeds=0)
    record = recorded(log, ("a hub was restored",))
    assert record.passed
    (finding,) = record.findings
    assert finding.level == "warned"
    assert finding.words.startswith("never reached: a hub was restored")
