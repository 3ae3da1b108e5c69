"""Reads docs/merge-cases.md: each case as entries, and what must come out of them.

The page says how a case is written. Holds no judgement. Invariant: a line that it does not
understand is an error, so the page can't say something that is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path as FilePath
from typing import Any

from core.dispatch import fields
from core.log.authority import Closing, certificates_in, counts, revoked_in
from core.log.certificate import Certificate, Standing, issue, standing_of
from core.log.entry import Entry, Path
from core.log.stream import Stored, StreamState
from tests.core.log.authors import AT_MS, STREAM, Log, author_of, key_of, standing

PAGE = FilePath(__file__).parents[3] / "docs" / "merge-cases.md"
ROLES = {"north": 3, "south": 3, "west": 3, "eva": 2, "dan": 2, "ana": 1, "bo": 1}
CODES = {
    "title": fields.TITLE,
    "address": fields.ADDRESS,
    "note": fields.NOTE,
    "tick": fields.TICK,
    "phase": fields.PHASE,
    "assigned": fields.ASSIGNED,
    "withdrawn": fields.WITHDRAWN,
}
CLOCKS_MS = {"1970": 0, "2036": 2_082_758_400_000}
WORKERS_MAY = {fields.NOTE, fields.TICK, fields.PHASE}
BROKEN = b"\xc0"
# The cases' site has a key, so that it can close what a hub wrote.
SITE = author_of("site")


def permits(given: Standing, stream: bytes, entry: Entry) -> bool:
    """Hubs may write everything, dispatchers no cuts, workers notes, ticks and phases."""
    codes = {path[0] for path, _ in entry.changes}
    if given.role == 1:
        return codes <= WORKERS_MAY
    return given.role == 3 or (given.role == 2 and fields.CUT not in codes)


@dataclass
class Case:
    """One section of the page."""

    name: str
    entries: dict[str, Stored] = field(default_factory=dict)
    not_held: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    values: dict[Path, list[Any]] = field(default_factory=dict)
    later_values: dict[Path, list[Any]] = field(default_factory=dict)
    inert: dict[str, str] = field(default_factory=dict)
    certifies: bool = False
    closed: dict[bytes, set[bytes]] = field(default_factory=dict)
    shut_out: set[str] = field(default_factory=set)
    certified: set[str] = field(default_factory=set)
    known: dict[frozenset[bytes], dict[bytes, Standing]] = field(default_factory=dict)

    @property
    def held(self) -> list[Stored]:
        """The entries that are delivered."""
        return [stored for name, stored in self.entries.items() if name not in self.not_held]

    @property
    def roles(self) -> dict[bytes, Standing]:
        """Everybody as they are before the entries say anything."""
        return {
            author_of(name): standing(role, revoked=name in self.revoked)
            for name, role in ROLES.items()
        }

    def standings_of(self, entries: Sequence[Stored]) -> dict[bytes, Standing]:
        """The standing of everybody where these entries are held, which may themselves say it."""
        if not self.certifies:
            return self.roles
        key = frozenset(stored.hash for stored in entries)
        if key not in self.known:
            self.known[key] = self._by_entries(entries)
        return self.known[key]

    def _by_entries(self, entries: Sequence[Stored]) -> dict[bytes, Standing]:
        found = self.roles
        revoked = revoked_in(StreamState.build(SITE, STREAM, entries, found, permits))
        for author in revoked & found.keys():
            found[author] = replace(found[author], revoked=True)
        told = certificates_in(StreamState.build(SITE, STREAM, entries, found, permits))
        for each, stands in told.items():
            if counts(each, revoked, stands=stands):
                found[each.author] = standing_of([each], each.author in revoked)
        return found


def read_cases() -> list[Case]:
    """All cases of the page, in order."""
    text = PAGE.read_text("utf-8")
    found = re.findall(r"^## (.+?)\n(?:.*?)```merge\n(.*?)```", text, re.M | re.S)
    assert len(found) == len(re.findall(r"^## ", text, re.M)), "a section holds no case"
    return [_read_case(name, block) for name, block in found]


def _read_case(name: str, block: str) -> Case:
    case = Case(name)
    entries, _, results = block.partition("=>\n")
    logs: dict[str, Log] = {}
    last: dict[str, str] = {}
    for index, line in enumerate(entries.splitlines()):
        if match := re.fullmatch(r"(not held|revoked): (.+)", line):
            names = set(match[2].split())
            target = case.not_held if match[1] == "not held" else case.revoked
            target |= names
            continue
        head, _, body = line.partition(": ")
        words = head.split()
        label, author = words[0], words[1]
        parent = words[3] if len(words) == 4 else last.get(author, "-")
        log = Log(author, site=SITE) if parent == "-" else logs[parent].fork()
        case.entries[label] = _write(case, log, body, AT_MS + index * 1_000)
        logs[label], last[author] = log, label
    for line in results.splitlines():
        _read_result(case, line)
    return case


def _hash(case: Case, name: str) -> bytes:
    if name.startswith("?"):
        return blake2b(name.encode(), digest_size=32).digest()
    return case.entries[name].hash


def _write(case: Case, log: Log, body: str, wall_ms: int) -> Stored:
    if body == "broken":
        return log.write_bytes(BROKEN)
    changes, *more = body.split("; ")
    options: dict[str, Any] = {"wall_ms": wall_ms}
    for word in more:
        name, _, rest = word.partition(" ")
        match name:
            case "seen" | "basis":
                heads = [] if rest == "nothing" else rest.split()
                options[name] = [_hash(case, head)[:8] for head in heads]
            case "at":
                options["wall_ms"] = CLOCKS_MS[rest] + wall_ms % 3_600_000 // 10 * 10
            case "offset":
                options["offset_ms"] = int(rest) * 1_000
            case "by":
                assert rest == "rule"
                options["by_rule"] = True
            case "format":
                options["version"] = int(rest)
            case _:
                raise AssertionError(f"{case.name}: what is '{word}'?")
    return log.write(_changes(case, changes), **options)


def _changes(case: Case, text: str) -> list[tuple[Path, Any]]:
    if match := re.fullmatch(r"revoke (\w+)", text):
        case.certifies = True
        return [((fields.REVOKED, author_of(match[1])), True)]
    if match := re.fullmatch(r"certify (\w+) by (\w+)", text):
        case.certifies = True
        data = _certificate(match[1], match[2]).to_bytes()
        return [((fields.CERTIFICATE, author_of(match[1]), data[-8:]), data)]
    if match := re.fullmatch(r"close (\w+) at (\S+)( by \w+)?", text):
        return [_closing(case, match[1], match[2], (match[3] or " by site")[4:])]
    if match := re.fullmatch(r"cut (\w+) at (\S+)", text):
        height = case.entries[match[2]].seq if match[2] in case.entries else 9
        return [((fields.CUT, author_of(match[1])), [height, _hash(case, match[2])])]
    changes = []
    for change in text.split(", "):
        name, _, value = change.partition("=")
        changes.append((_path(name), _value(value)))
    return changes


def _certificate(name: str, issuer: str) -> Certificate:
    author, subject = author_of(name), name.encode()
    until = AT_MS + 1_000
    unsigned = Certificate(SITE, author, subject, 1, (), until, b"", author_of(issuer))
    return issue(unsigned, key_of(issuer))


def _closing(case: Case, name: str, last: str, signer: str) -> tuple[Path, Any]:
    case.certifies = True
    author = author_of(name)
    closing = Closing(SITE, author, bytes(32) if last == "nothing" else _hash(case, last))
    if signer == "site":
        case.closed.setdefault(author, set()).add(closing.hash)
    return (fields.CLOSED, author), closing.value(key_of(signer))


def _path(name: str) -> Path:
    code, *ids = name.split("/")
    return (CODES[code], *(identity.encode() for identity in ids))


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "nothing": None}
    if text in words:
        return words[text]
    return text[1:-1] if text.startswith('"') else int(text)


def _read_result(case: Case, line: str) -> None:
    name, _, rest = line.partition(": ")
    if name == "inert":
        for item in rest.split(", "):
            label, _, reason = item.partition(" ")
            case.inert[label] = reason
        return
    if name in ("shut out", "certified"):
        target_names = case.shut_out if name == "shut out" else case.certified
        target_names |= set(rest.split(", "))
        return
    target = case.values
    if name.startswith("later "):
        name, target = name.removeprefix("later "), case.later_values
    target[_path(name)] = [_value(value) for value in rest.split(", ")]
