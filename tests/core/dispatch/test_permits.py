"""What a certificate permits: the page's table, and what no certificate permits."""

from __future__ import annotations

from pathlib import Path

from core.dispatch.acts import own_job_stream
from core.dispatch.fields import ASSIGNED, FIELDS, Kind
from tests.core.dispatch.permits_table import (
    DISPATCHER,
    HUB,
    OTHER,
    OWN,
    WORKER,
    WORKER_WITH_RIGHT,
    a_field_elsewhere,
    may,
    nobody,
    path_of,
    rows,
    stream_of,
)

PAGE = Path(__file__).parents[3] / "docs" / "permits.md"


def test_the_page_says_what_is_permitted() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("|")] == list(rows())


def test_a_key_without_a_certificate_writes_nothing() -> None:
    for field in FIELDS.values():
        assert not may(nobody(), stream_of(field.kind, OWN), path_of(field))


def test_a_field_is_permitted_to_nobody_in_a_stream_of_another_kind() -> None:
    for field, stream in a_field_elsewhere():
        for standing in (HUB, DISPATCHER, WORKER_WITH_RIGHT):
            assert not may(standing, stream, path_of(field)), (field.name, stream.hex())


def test_a_path_with_more_or_fewer_ids_than_its_field_has_is_permitted_to_nobody() -> None:
    for field in FIELDS.values():
        stream, path = stream_of(field.kind, OWN), path_of(field)
        assert not may(HUB, stream, (*path, b"i" * 8))
        if field.ids:
            assert not may(HUB, stream, path[:-1])


def test_who_makes_a_job_gives_it_to_nobody_but_themselves() -> None:
    job = own_job_stream(OWN, 7_000, b"abc")
    assert may(WORKER_WITH_RIGHT, job, (ASSIGNED, OWN, b"t" * 8))
    assert not may(WORKER_WITH_RIGHT, job, (ASSIGNED, OTHER, b"t" * 8))
    assert not may(WORKER, job, (ASSIGNED, OWN, b"t" * 8)), "without the right"
    assert not may(WORKER_WITH_RIGHT, stream_of(Kind.JOB, OWN), (ASSIGNED, OWN, b"t" * 8))
