"""On which line each key of a TOML text stands, whatever lies between."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.scenario.lines import lines_of_keys

TRICKY = '''# [site] phones = 1
[ site ] # [seeded]
"phones" = 3
  'hostile'  =  4   # days = 9
jobs_per_phone=5

[ live . "deep er" ]
list = [ # reaches = []
  "one ] two", \'three " four\', [ 1,
  2 ], { inner = 1, other = [ { far = 2 } ] },
] # end
after = 1
seeded.days = 2
seeded . "entr\\u0069es" = 3
long = \'\'\'
drawn = true
\'\'\'\'\'
last = """\\\\"""
escaped = """a \\""" b
wrong = 1
"""
[[many]]
one = 1
[[many]]
one = 2
[x]
date = 1979-05-27 07:32:00 # comment
float = -inf
'''


def test_strings_comments_arrays_and_inline_tables_fool_nobody() -> None:
    lines = lines_of_keys(TRICKY)
    tomllib.loads(TRICKY)
    told = {".".join(path): line for path, line in lines.items()}
    assert told == {
        "site": 2,
        "site.phones": 3,
        "site.hostile": 4,
        "site.jobs_per_phone": 5,
        "live": 7,
        "live.deep er": 7,
        "live.deep er.list": 8,
        "live.deep er.list.inner": 10,
        "live.deep er.list.other": 10,
        "live.deep er.list.other.far": 10,
        "live.deep er.after": 12,
        "live.deep er.seeded": 13,
        "live.deep er.seeded.days": 13,
        "live.deep er.seeded.entries": 14,
        "live.deep er.long": 15,
        "live.deep er.last": 18,
        "live.deep er.escaped": 19,
        "many": 22,
        "many.one": 23,
        "x": 26,
        "x.date": 27,
        "x.float": 28,
    }


def test_lines_are_counted_the_same_where_they_end_as_on_windows() -> None:
    assert lines_of_keys("a = 1\r\n\r\n[b]\r\nc = '''\r\nd = 1\r\n'''\r\ne = 2\r\n") == {
        ("a",): 1,
        ("b",): 3,
        ("b", "c"): 4,
        ("b", "e"): 7,
    }


bare = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
any_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x7f"), max_size=8
)
names = bare | any_text
simple = st.one_of(
    st.integers(-99, 99).map(str),
    st.booleans().map(lambda value: "true" if value else "false"),
    any_text.map(lambda text: json.dumps(text, ensure_ascii=False)),
    any_text.map(lambda text: "'" + text.replace("'", "") + "'"),
    st.lists(st.sampled_from(["a = 1", "[b]", "# c", '""', "\\\\"]), max_size=3).map(
        lambda rows: '"""\n' + "\n".join(rows).replace('"', '\\"') + '"""'
    ),
    st.just("07:32:00"),
)
values = st.recursive(
    simple,
    lambda inner: st.lists(inner, max_size=3).map(
        lambda items: "[ # not = 1\n" + ",\n".join(items) + "\n]"
    ),
    max_leaves=4,
)


def quoted(name: str, way: int) -> str:
    if way == 0 and name and all(c.isascii() and (c.isalnum() or c in "_-") for c in name):
        return name
    if way == 1 and "'" not in name:
        return f"'{name}'"
    return json.dumps(name, ensure_ascii=False)


@given(
    st.dictionaries(
        names,
        st.dictionaries(names, st.tuples(values, st.integers(0, 2), st.booleans()), max_size=4),
        max_size=4,
    ),
    st.integers(0, 2),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_each_key_is_found_on_its_line(tables: dict, way: int) -> None:
    rows: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for table, keys in tables.items():
        rows.append(f"  [ {quoted(table, way)} ]  # [x]")
        expected[(table,)] = "\n".join(rows).count("\n") + 1
        for name, (value, how, comment) in keys.items():
            rows.append("# key = 1" if comment else "")
            rows.append(f"\t{quoted(name, how)} = {value} # = 2")
            start = "\n".join(rows[:-1]).count("\n") + 2
            expected[(table, name)] = start
    text = "\n".join(rows)
    assert tomllib.loads(text).keys() == tables.keys()
    assert lines_of_keys(text) == expected
