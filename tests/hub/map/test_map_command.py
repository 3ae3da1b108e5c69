"""The command that imports a map, as a stranger meets it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from hub.map.commandline import configure
from hub.map.region import open_region
from replica.commandline import CommandError


def run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="fieldlog map")
    configure(parser)
    arguments = parser.parse_args(words)
    code: int = arguments.run(arguments)
    return code


def test_import_shows_that_it_goes_on_and_what_came_out(
    helsinki: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("import", str(helsinki), "--data", str(tmp_path), "--name", "Keskusta") == 0
    said = capsys.readouterr().out
    for words in ("Reading helsinki.osm.pbf", "zoom 14", "addresses", "Installed in", "Keskusta"):
        assert words in said
    region = open_region(tmp_path / "map")
    assert region is not None
    assert region.info.name == "Keskusta"
    region.close()
    assert run("show", "--data", str(tmp_path)) == 0
    shown = capsys.readouterr().out
    assert "Keskusta" in shown
    assert "© OpenStreetMap contributors" in shown


def test_show_tells_a_stranger_what_to_do_where_nothing_is_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "--data", str(tmp_path)) == 0
    assert "fieldlog map import" in capsys.readouterr().out


def test_wrong_file_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    page = tmp_path / "region.osm.pbf"
    page.write_text("<!doctype html>")
    with pytest.raises(CommandError, match="web page, so the download went wrong"):
        run("import", str(page), "--data", str(tmp_path))


def test_folder_that_cannot_be_written_is_named(helsinki: Path, tmp_path: Path) -> None:
    (tmp_path / "map").write_text("a file stands where the folder should be")
    with pytest.raises(CommandError, match="cannot write the map"):
        run("import", str(helsinki), "--data", str(tmp_path))


def test_damaged_region_is_said_by_show(helsinki: Path, tmp_path: Path) -> None:
    run("import", str(helsinki), "--data", str(tmp_path))
    (tmp_path / "map" / "current.json").write_text("[")
    with pytest.raises(CommandError, match="Import the region again"):
        run("show", "--data", str(tmp_path))
