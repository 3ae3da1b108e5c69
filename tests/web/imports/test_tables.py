"""Tables out of bytes: encodings and separators told apart, and what is too large refused early."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from web.imports.columns import guess_columns, missing, twice
from web.imports.plan import Cancelled, Cells, Draft, Item, Progress, plan_rows
from web.imports.reading import read_reading
from web.imports.table import ROWS_MAX, TableError, guess_encoding, read_table, take

CZECH = "Jméno;Město\nŽluťoučký kůň;Plzeň\nŘehoř Šťastný;Děčín\n"
FRENCH = "Nom;Ville\nCafé à la Crème;Orléans\nHôtel Où;Besançon\n"
POLISH = "Nazwa;Miasto\nŁódź Żabka;Gdańsk\nKsięgarnia Świt;Kraków\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_a_mark(encoding: str) -> None:
    table = read_table(CZECH.encode(encoding))
    assert table.head == ("Jméno", "Město")
    assert table.rows[0].cells == ("Žluťoučký kůň", "Plzeň")
    assert (table.separator, table.unreadable) == ("semicolon", 0)


@pytest.mark.parametrize(
    ("text", "encoding"), [(CZECH, "cp1250"), (POLISH, "cp1250"), (FRENCH, "cp1252")]
)
def test_the_two_windows_encodings_are_told_apart_by_their_letters(
    text: str, encoding: str
) -> None:
    data = text.encode(encoding)
    assert guess_encoding(data) == encoding
    assert read_table(data).rows[1].cells == tuple(text.split("\n")[2].split(";"))


def test_a_guess_of_the_encoding_can_be_overruled() -> None:
    data = CZECH.encode("cp1250")
    assert read_table(data, "cp1252").rows[0].cells[0] != "Žluťoučký kůň"
    assert read_table(data, "utf-8").unreadable > 0


@pytest.mark.parametrize(("letter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_separators_are_told_apart_and_quoted_cells_hold_them(letter: str, name: str) -> None:
    rows = [["Name", "Address"], [f'Novak{letter} "the elder"', "Street 1\nFloor 2"], ["B", "2"]]
    text = "\r\n".join(
        letter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows
    )
    table = read_table(text.encode())
    assert table.separator == name
    assert [list(row.cells) for row in table.rows] == rows[1:]
    # A row with a line end in it still says where it begins.
    assert [row.line for row in table.rows] == [2, 4]


def test_formulas_stay_the_text_that_they_are() -> None:
    cells = ("=1+1", "+420 601", "-5", "@SUM(A1)")
    assert read_table(b"a;b;c;d\n" + ";".join(cells).encode() + b"\n").rows[0].cells == cells


def test_quotation_marks_of_a_clipboard_mean_nothing() -> None:
    table = read_table(b'Name\tNote\nVan 1\t5" pipe\nVan 2\t"half\n')
    assert [row.cells for row in table.rows] == [("Van 1", '5" pipe'), ("Van 2", '"half')]


def test_a_quotation_mark_that_never_closes_is_told() -> None:
    with pytest.raises(TableError, match="quotation marks do not fit"):
        read_table(b'Name;Note\nA;"open\nB;2\n')


def test_a_million_rows_are_refused_by_their_number_and_not_held_in_memory() -> None:
    class Stream(io.RawIOBase):
        """A file of a million rows that is made while it is read."""

        left = 1_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, room: memoryview) -> int:  # type: ignore[override]
            line = b"Customer,Street 1,Town\n"
            count = min(self.left, len(room) // len(line))
            self.left -= count
            room[: count * len(line)] = line * count
            return count * len(line)

    tracemalloc.start()
    with pytest.raises(TableError, match=r"1,000,000 rows; at most 5,000"):
        take(io.BufferedReader(Stream(), 1 << 16))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_one_row_too_many_is_refused_and_the_limit_itself_is_taken() -> None:
    head = "Name;Number\n"
    rows = [f"C{number};{number}" for number in range(ROWS_MAX + 1)]
    assert len(read_table((head + "\n".join(rows[:-1])).encode()).rows) == ROWS_MAX
    with pytest.raises(TableError, match=r"5,001 rows"):
        read_table((head + "\n".join(rows)).encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing in it"),
        (b" \n;;\n", "nothing in it"),
        (b"a;" * 200, "columns"),
        (b"Name;x\n" + b"y" * 20_000 + b";1\n", "20,000 letters"),
        (b"\xff\xfe", "nothing in it"),
    ],
)
def test_what_is_no_table_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words):
        read_table(take(io.BytesIO(data)))


def test_too_many_bytes_in_few_rows_are_refused() -> None:
    with pytest.raises(TableError, match="at most 8 MB"):
        take(io.BytesIO(b"x" * 8_100_000))


def test_columns_are_recognised_by_their_heads() -> None:
    table = read_table(
        b"Customer No.;Company;Street;ZIP;City;E-mail;Mobile;Something\n1;A;B 1;1;C;a@b.cz;1;x\n"
    )
    expected = ("number", "name", "address", "postcode", "town", "email", "phone", "")
    assert guess_columns("customers", table) == expected


def test_the_site_s_own_export_of_jobs_is_recognised() -> None:
    table = read_table(
        b"job_no,title,priority,customer_no,customer,site,address,lat,lon,contact,phone,worker(s),"
        b"window_start_utc,window_end_utc\n"
        b"A-1,T,normal,C1,A,Yard,S 1,1.0,2.0,P,1,Ana,2026-11-23T09:00:00Z,2026-11-23T10:00:00Z\n"
    )
    expected = ("number", "title", "priority", "customer_number", "customer", "place", "address")
    assert guess_columns("jobs", table)[:7] == expected
    assert guess_columns("jobs", table)[7:] == (
        *("lat", "lon", "contact", "phone", "worker", "start", "end"),
    )


def test_columns_without_a_head_are_taken_by_their_content() -> None:
    table = read_table(
        "Novák;Ovenecká 3;+420 601 234 567;p@novak.cz\nDvořák;Lidická 11;+420 602 1;d@x.cz".encode()
    )
    assert not table.has_head
    assert guess_columns("customers", table) == ("name", "address", "phone", "email")


def test_columns_that_were_chosen_for_another_cut_do_not_count() -> None:
    data = b"Name;Number\nA;1\n"
    asked = read_reading("customers", data, {}).asked
    chosen = {**asked, "c1": "note"}
    assert read_reading("customers", data, chosen).columns == ("name", "note")
    assert read_reading("customers", data, {**chosen, "separator": "comma"}).columns != (
        *("name", "note"),
    )


def test_what_the_columns_lack_or_say_twice_is_told() -> None:
    assert "which column is the name" in missing("customers", ("number", ""))
    assert missing("workers", ("first_name",)) == ""
    assert "Two columns" in twice("customers", ("name", "name"))


def test_work_that_was_given_up_ends_at_its_next_row() -> None:
    planned: list[int] = []
    progress = Progress()

    def plan_row(line: int, _cells: Cells) -> Item:
        planned.append(line)
        if line == 3:
            progress.cancel()
        return Item(line, "new")

    table = read_table(b"Name;Number\nA;1\nB;2\nC;3\n")
    with pytest.raises(Cancelled):
        plan_rows(table, ("name", "number"), progress, plan_row, Draft())
    assert planned == [2, 3]
    assert (progress.done, progress.total) == (1, 3)
