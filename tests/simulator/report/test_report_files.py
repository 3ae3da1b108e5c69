"""Reports as files, and the commands that read them: whole or not at all, and errors in words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from replica.commandline import main
from simulator.report.record import RecordError
from simulator.report.writing import ReportUnwrittenError, read, write
from tests.simulator.report.records import live_run, mended_run, seeded_run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_report_is_written_into_a_new_folder_and_read_from_it(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "monday"
    page = write(live_run(), folder)
    assert page == folder / "report.html"
    assert names(folder) == ["report.html", "report.json"]
    assert read(folder) == read(folder / "report.json") == live_run()
    assert "A busy Monday" in page.read_text("utf-8")


def test_a_report_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write(live_run(), tmp_path)
    write(seeded_run(), tmp_path)
    assert read(tmp_path) == seeded_run()
    assert names(tmp_path) == ["report.html", "report.json"]


def test_a_folder_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "monday").write_text("mine")
    with pytest.raises(ReportUnwrittenError, match=r"can't be written to .*monday.*another place"):
        write(live_run(), tmp_path / "monday")
    assert (tmp_path / "monday").read_text() == "mine"


def test_where_one_file_cannot_be_written_the_other_stays_as_it_was(tmp_path: Path) -> None:
    write(live_run(), tmp_path)
    before = (tmp_path / "report.json").read_bytes()
    (tmp_path / "report.html").unlink()
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportUnwrittenError, match=r"report\.html: what is there is no file"):
        write(seeded_run(), tmp_path)
    assert (tmp_path / "report.json").read_bytes() == before
    assert names(tmp_path) == ["report.html", "report.json"]


def test_a_page_never_takes_the_place_of_what_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(live_run(), tmp_path / "a")
    pipe, a = tmp_path / "pipe", str(tmp_path / "a")
    os.mkfifo(pipe)
    assert main(["simulate", "compare", a, a, "--out", str(pipe)]) == 2
    assert "what is there is no file" in capsys.readouterr().err
    assert pipe.is_fifo()


def test_what_is_no_report_is_refused_by_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"no report\.json in .*--report"):
        read(tmp_path)
    with pytest.raises(RecordError, match="there is no .*nowhere"):
        read(tmp_path / "nowhere")
    (tmp_path / "report.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RecordError, match=r"report\.json: this file is no text"):
        read(tmp_path)
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(RecordError, match=r"report\.json: .*it names no format"):
        read(tmp_path)


def test_compare_writes_one_page_and_says_how_both_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(live_run(), tmp_path / "a")
    write(mended_run(), tmp_path / "b")
    out = tmp_path / "both.html"
    a, b = tmp_path / "a", tmp_path / "b" / "report.json"
    assert main(["simulate", "compare", str(a), str(b), "--out", str(out)]) == 0
    assert "Two runs compared" in out.read_text("utf-8")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "A: A busy Monday: failed. 1 finding failed; 1 finding warned; 3 of 5 goals reached.",
        "B: A busy Monday: passed. 1 finding warned; 5 of 5 goals reached.",
        f"written to {out}",
    ]


def test_report_draws_the_page_of_a_folder_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write(seeded_run(), tmp_path)
    drawn = page.read_text("utf-8")
    page.write_text("an older program's page")
    assert main(["simulate", "report", str(tmp_path)]) == 0
    assert page.read_text("utf-8") == drawn
    assert "Torn disks: failed." in capsys.readouterr().out


def test_wrong_use_is_answered_in_one_line_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(live_run(), tmp_path / "a")
    a, text = tmp_path / "a", (tmp_path / "a" / "report.json").read_text()
    (tmp_path / "b.html").write_text(text)
    wrong = [
        (["compare", str(a)], "required: B"),
        (["compare", str(a), str(tmp_path / "c")], "there is no"),
        (["compare", str(a), str(a), "--out", str(tmp_path)], "is a folder; name a file"),
        (["compare", str(a), str(a), "--out", str(a / "report.json")], "would replace a report"),
        (["compare", str(a), str(a), "--out", str(a / "report.html")], "would replace a report"),
        (["compare", str(a), str(a), "--out", str(tmp_path / "c" / "d")], "can't be written"),
        (["report", str(tmp_path)], "no report.json in"),
        (["report", str(tmp_path / "b.html")], "report.json, not a page's"),
    ]
    for arguments, words in wrong:
        assert main(["simulate", *arguments]) == 2, arguments
        said = capsys.readouterr()
        assert words in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""
    assert (tmp_path / "b.html").read_text() == (a / "report.json").read_text() == text
    assert names(tmp_path) == ["a", "b.html"]
    assert names(a) == ["report.html", "report.json"]
