"""The trace is what every peer is measured on: it is the same everywhere, and like a real site."""

from __future__ import annotations

from collections import Counter

from tests.bench.acting import Acting
from tests.bench.trace import OFFICE, make_trace


def test_the_trace_is_the_same_on_every_machine() -> None:
    # Kept numbers of other runs are only comparable while this holds.
    assert make_trace(60).fingerprint() == "3a9ad3c5cba8e0117c4e01ca43d72b2d"


def test_another_seed_makes_another_trace() -> None:
    assert make_trace(60, seed=2).fingerprint() != make_trace(60).fingerprint()


def test_a_job_has_seventeen_ops_and_one_update_in_twenty_is_half_of_a_pair() -> None:
    ops = make_trace(600).ops
    kinds = Counter(op.kind for op in ops)
    assert kinds["create"] == 600
    assert 11 <= kinds["update"] / 600 <= 13
    assert 3 <= kinds["log"] / 600 <= 5
    halves = Counter(op.pair for op in ops)
    assert halves[1] == halves[2]
    assert 0.03 <= 2 * halves[1] / kinds["update"] <= 0.10
    assert [op.at_ms for op in ops] == sorted(op.at_ms for op in ops)


def test_every_op_of_the_trace_is_an_act_of_one_stream() -> None:
    acting, trace = Acting(), make_trace(80)
    for op in (*trace.ops, *trace.office_window, *trace.phone_window):
        assert len({change.stream for change in acting.act_of(op)}) == 1
    assert {op.writer for op in trace.phone_window} == {2}
    assert {op.writer for op in trace.office_window} == {OFFICE}


def test_a_trace_of_years_has_all_ops_of_its_newest_jobs_and_two_of_the_others() -> None:
    all_of_it, years = make_trace(60), make_trace(60, whole=20)
    newest = {op.job for op in all_of_it.ops if op.kind == "create"}
    newest = set(sorted(newest)[-20:])
    assert [op for op in years.ops if op.job in newest] == [
        op for op in all_of_it.ops if op.job in newest
    ]
    kinds = Counter(op.kind for op in years.ops if op.job not in newest)
    assert kinds == {"create": 40, "log": 40}
    assert years.office_window == all_of_it.office_window
