"""What a run writes down comes back the same, and nothing else is taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from simulator.report.record import Record, RecordError, from_json, to_json
from tests.simulator.report.any_record import records
from tests.simulator.report.records import live_run, seeded_run


@given(records())
@settings(max_examples=60)
def test_a_record_goes_through_json_unchanged(record: Record) -> None:
    assert from_json(to_json(record)) == record


@pytest.mark.parametrize("record", [live_run(), seeded_run()], ids=["live", "seeded"])
def test_records_of_whole_runs_go_through_json_unchanged(record: Record) -> None:
    read = from_json(to_json(record))
    assert read == record
    # Equal dictionaries may differ in their order, which a page shows.
    assert list(read.machine) == list(record.machine)
    assert list(read.counts) == list(record.counts)


def test_what_a_report_leaves_out_is_empty() -> None:
    least = {"format": 1, "kind": "live", "scenario": {}, "began": "", "took_s": 1, "command": ""}
    assert from_json(json.dumps(least)) == Record("live", {}, "", 1, "")


def changed(**parts: Any) -> str:
    return json.dumps({**json.loads(to_json(live_run())), **parts})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no report of a simulated run"),
        ("[" * 100_000, "no report of a simulated run"),
        ("[]", "it names no format"),
        ("{}", "it names no format"),
        (changed(format=2), "of format 2, and this program reads 1"),
        (changed(kind=5), "kind should be text"),
        (changed(took_s="long"), "took_s should be a number"),
        (changed(took_s=True), "took_s should be a number"),
        (changed(took_s=10**400), "took_s is too large a number"),
        (changed(findings={}), "findings should be a list"),
        (changed(findings=[{"level": "failed"}]), "findings[0].words is missing"),
        (changed(figures=[{"name": "a", "value": None, "unit": ""}]), "figures[0].value should be"),
        (changed(counts={"photos": 1.5}), "counts.photos should be a whole number"),
        (changed(colour="red"), "colour is no part of a report"),
        (
            changed(series=[{"name": "a", "unit": "", "at_s": [1, 2], "values": [3]}]),
            "series 'a' has 2 moments and 1 values",
        ),
        (
            changed(latencies=[{"name": "a", "buckets": [[1, 2, 3]]}]),
            "latencies[0].buckets[0] should be a list of 2",
        ),
    ],
)
def test_what_is_no_record_is_refused_by_the_place_that_is_wrong(text: str, words: str) -> None:
    with pytest.raises(RecordError) as refused:
        from_json(text)
    assert words in str(refused.value)
