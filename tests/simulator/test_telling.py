"""Events of a run in words: what happened, to whom, and when."""

from __future__ import annotations

import pytest

from simulator.trace import Trace
from simulator.world.telling import KeepingTrace, by_day, seconds_of, told


@pytest.mark.parametrize(
    ("kind", "words", "machines", "sentence"),
    [
        ("killed", "phone 4 ", ("phone 4",), "phone 4 is killed"),
        ("power cut", "phone 12 in a transaction", ("phone 12",), "phone 12 loses power in a tran"),
        ("crash", "hub A silently", ("hub A",), "hub A is gone, and nobody is told"),
        ("shut out", "phone 4 hub B", ("phone 4", "hub B"), "phone 4 is shut out at hub B"),
        ("link", "phone 4~hub A 7 is cut", ("phone 4", "hub A"), "link 7 from phone 4 to hub A is"),
        ("unite", "", (), "a part of the network is back"),
        ("differing", "hostile phone 1 hub A", ("hostile phone 1", "hub A"), "do not agree yet"),
        (
            "divide",
            "one way phone 1,hub A | phone 2",
            ("phone 1", "hub A", "phone 2"),
            "the network falls apart: phone 1, hub A hears no answer from phone 2",
        ),
        (
            "clock",
            "phone 1 ClockUpset(at_s=7.5, upset=<Upset.JUMPS: 'jumps'>, by_ms=-3600000)",
            ("phone 1",),
            "phone 1: its clock jumps by -3,600 s",
        ),
        ("meteorite", "phone 1 in the garden", ("phone 1",), "meteorite: phone 1 in the garden"),
    ],
)
def test_an_event_is_told_in_a_sentence_and_by_the_machines_it_concerns(
    kind: str, words: str, machines: tuple[str, ...], sentence: str
) -> None:
    event = told(90_061.5, kind, words)
    assert event.machines == machines
    assert sentence in event.sentence
    assert event.line().startswith("01:01:01.500  ")


def test_events_are_found_by_a_machine_and_by_its_kind() -> None:
    event = told(0.0, "shut out", "phone 14 hub B")
    assert event.concerns(["phone 14"])
    assert event.concerns(["phone"])
    assert event.concerns(["hub"])
    assert not event.concerns(["phone 1", "hub A", "network", "hostile phone"])
    assert told(0.0, "unite", "").concerns(["network"])


def test_a_trace_that_keeps_its_events_has_the_digest_of_one_that_does_not() -> None:
    plain, keeping = Trace(), KeepingTrace()
    for trace in (plain, keeping):
        trace.step(1.0, "a step")
        trace.note(2.0, "killed", "phone 1 ")
        trace.note(90_000.0, "unite")
    assert keeping.digest() == plain.digest()
    assert list(by_day(keeping.events)) == [
        "Day 1",
        "  00:00:02.000  phone 1 is killed",
        "Day 2",
        "  01:00:00.000  a part of the network is back",
    ]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("1", 0.0),
        ("2 07:30", 113_400.0),
        ("day 2 07:30:15.5", 113_415.5),
        ("Day3T00:00", 172_800.0),
    ],
)
def test_times_of_a_run_are_read_as_people_write_them(words: str, seconds: float) -> None:
    assert seconds_of(words) == seconds


@pytest.mark.parametrize("words", ["", "0", "07:30", "2 25:00", "2 10:60", "tomorrow", "-1"])
def test_what_is_no_time_of_a_run_is_refused_in_words(words: str) -> None:
    with pytest.raises(ValueError, match="is no time of a run"):
        seconds_of(words)
