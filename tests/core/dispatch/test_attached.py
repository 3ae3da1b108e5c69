"""The files of a job: what is shown of names that anybody may write, and what is a picture."""

from __future__ import annotations

import pytest

from core.dispatch.acts import ActError
from core.dispatch.attached import name_given, shown_name
from core.dispatch.pictures import check_named_truly, headers_of_file, picture_type
from tests.pictures import png


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("valve.jpg", "valve.jpg"),
        ("  boiler   room.pdf ", "boiler room.pdf"),
        ("gpj.\u202eexe", "gpj. exe"),
        ("one\ntwo\0three", "one two three"),
        ("Štítek kotle.png", "Štítek kotle.png"),
        ("\u200b\u2066", ""),
    ],
)
def test_a_name_shows_as_one_line_of_letters_that_can_be_seen(written: str, shown: str) -> None:
    assert shown_name(written) == shown


def test_a_name_comes_without_the_folders_that_a_browser_puts_before_it() -> None:
    assert name_given("C:\\fakepath\\valve.jpg") == "valve.jpg"
    assert name_given("../../etc/passwd") == "passwd"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "name is missing"),
        ("photos/", "name is missing"),
        ("..", "no name that can be shown"),
        ("\u200b", "no name that can be shown"),
        ("a\tb.jpg", "one line"),
        ("bell\x07.jpg", "control characters"),
        ("x" * 201, "longer than 200 letters"),
    ],
)
def test_what_is_no_name_is_refused_in_words(name: str, words: str) -> None:
    with pytest.raises(ActError, match=words):
        name_given(name)


def test_only_bytes_tell_that_something_is_a_picture() -> None:
    assert picture_type(png(1, 2, 3)) == "image/png"
    assert picture_type(b"\xff\xd8\xff\xe0\0\x10JFIF") == "image/jpeg"
    assert picture_type(b"GIF89a\1\0\1\0") == "image/gif"
    assert picture_type(b"RIFF\x24\0\0\0WEBPVP8 ") == "image/webp"
    for other in (
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<html>",
        b"%PDF-1.7",
        b"RIFF",
    ):
        assert picture_type(other) == ""
    check_named_truly("plan.pdf", b"<html>")
    with pytest.raises(ActError, match="is called a picture and is none"):
        check_named_truly("Photo.JPG", b"<html><script>alert(1)</script>")


def test_what_is_no_picture_is_given_out_to_be_saved_and_can_run_nothing() -> None:
    page = headers_of_file("Plán “1”.html", b"<html>")
    assert page["Content-Type"] == "application/octet-stream"
    assert page["Content-Disposition"].startswith("attachment; filename*=UTF-8''Pl%C3%A1n%20")
    picture = headers_of_file("valve.png", png(1, 2, 3))
    assert (picture["Content-Type"], picture["Content-Disposition"].partition(";")[0]) == (
        "image/png",
        "inline",
    )
    for headers in (page, picture):
        assert "sandbox" in headers["Content-Security-Policy"]
