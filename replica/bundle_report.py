"""What a bundle proves, as lines that people read.

Says who wrote and by whose certificate, each change in order of time with the moment by which a hub
knew it, a day's time logs, and what is in doubt. Folds the entries as a replica would, so that it
also says what does not count. Holds no file and checks no signature: that was done.
Invariant: every entry of the bundle stands in the report.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.dispatch.acts import SITE_STREAM
from core.dispatch.duty import spans
from core.dispatch.fields import Kind as StreamKind
from core.dispatch.fields import Role
from core.dispatch.permits import is_day_of, permits
from core.dispatch.timelog import TimeLogError, counted
from core.dispatch.workday import duties_of, logs_of
from core.log.authority import revoked_in
from core.log.certificate import HUB_ROLE, Standing
from core.log.proof import Doubt, Kind, Proven, ProvenStream
from core.log.stream import Placed, StreamState
from replica.bundle_values import Names, change_words, moment, name_in, plain, stream_name


def report(proven: Proven) -> tuple[list[str], list[Doubt]]:
    """The whole report line by line, and what is in doubt: what was found before, and in the folds.

    Only the folds show that the site's own history, where it was put in, revokes a key of which the
    exporter does not say so.
    """
    folds = _folds(proven)
    by_stream = {stream: name_in(stream, state.registers) for stream, state in folds.items()}
    standings = _standings(proven, folds)
    names = Names({stream: name for stream, name in by_stream.items() if name}, standings)
    bundle = proven.bundle
    by = f"{names.key(bundle.exporter)} (key {bundle.exporter.hex()[:16]})"
    lines = [
        f"Made {moment(bundle.at_ms)} UTC by {by} of site {bundle.site.hex()[:16]}.",
        "Every entry is as its author sealed it, and every certificate leads to the site's key.",
        "",
        "Whose keys they are",
        *_keys(proven, names),
    ]
    for stream in proven.streams:
        lines += ["", *_stream(proven, stream, folds[stream.stream], names)]
    doubts = [*proven.doubts, *_unsaid(proven, standings)]
    return [*lines, "", *_end(proven, doubts, names)], doubts


def _unsaid(proven: Proven, standings: dict[bytes, Standing]) -> Iterator[Doubt]:
    for author, standing in sorted(standings.items()):
        if standing.revoked and author not in proven.bundle.revoked:
            words = "is revoked in the site's own history, and who made the bundle does not say so"
            yield Doubt(Kind.REVOKED, SITE_STREAM, f"the key {author.hex()[:16]} {words}")


def _folds(proven: Proven) -> dict[bytes, StreamState]:
    site = proven.bundle.site
    found: dict[bytes, StreamState] = {}
    # The site's own stream, where it was put in, says who is revoked: the others follow it.
    ordered = sorted(proven.streams, key=lambda stream: stream.stream != SITE_STREAM)
    for stream in ordered:
        standings = _standings(proven, found)
        found[stream.stream] = StreamState.build(
            site, stream.stream, stream.entries, standings, permits
        )
    return found


def _standings(proven: Proven, folds: dict[bytes, StreamState]) -> dict[bytes, Standing]:
    """Standings as the exporter tells them, and as the site's stream does if it is there."""
    state = folds.get(SITE_STREAM)
    revoked = revoked_in(state) if state is not None else frozenset()
    return {
        author: Standing(s.subject, s.role, s.rights, s.revoked or author in revoked)
        for author, s in proven.standings.items()
    }


def _keys(proven: Proven, names: Names) -> Iterator[str]:
    for author in sorted(proven.certificates, key=names.key):
        issuers = {certificate.issuer for certificate in proven.certificates[author]}
        by = sorted(
            "the site" if issuer == proven.bundle.site else names.key(issuer) for issuer in issuers
        )
        revoked = "; revoked" if names.standings[author].revoked else ""
        yield f"  {names.key(author)}: key {author.hex()}, certified by {', '.join(by)}{revoked}"


# --- one stream


def _stream(
    proven: Proven, stream: ProvenStream, state: StreamState, names: Names
) -> Iterator[str]:
    yield stream_name(stream.stream, names)
    entries, authors = len(stream.entries), len({stored.author for stored in stream.entries})
    counted_words = f"{_count(entries, 'entry', 'entries')} of {_count(authors, 'key', 'keys')}"
    yield f"  {counted_words}, {_witnessed(stream, names)}."
    yield "  Times are what the author's device said, set right by what it knew of the hub's; UTC."
    for placed in state.entries():
        yield from _entry(proven, stream, placed, names)
    if stream.stream[4] == StreamKind.DAY:
        yield from _time_logs(state, names)


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _witnessed(stream: ProvenStream, names: Names) -> str:
    if not stream.witnesses:
        return "witnessed by no hub before the bundle was made"
    first, last = stream.witnesses[0], stream.witnesses[-1]
    hubs = ", ".join(sorted({names.key(seen.hub) for seen in stream.witnesses}))
    count = f"{len(stream.witnesses)} times, from {moment(first.at_ms)} to {moment(last.at_ms)}"
    return f"witnessed by {hubs} {count if len(stream.witnesses) > 1 else moment(first.at_ms)}"


def _entry(proven: Proven, stream: ProvenStream, placed: Placed, names: Names) -> Iterator[str]:
    entry, stored = placed.entry, placed.stored
    at = moment(entry.corrected_ms) if entry is not None else " " * 19
    who = names.key(stored.author)
    if entry is not None and entry.by_rule:
        who += ", by a rule"
    elif entry is not None and entry.actor:
        who += f" for {names.actor(entry.actor)}"
    yield f"  {at}  {who}; {_known(proven, stream, placed, names)}"
    if placed.inert:
        yield f"      does not count: {plain(placed.inert)}"
    for path, value in entry.changes if entry is not None else ():
        yield f"      {change_words(path, value, names)}"


def _known(proven: Proven, stream: ProvenStream, placed: Placed, names: Names) -> str:
    """By when a hub knew the entry, at the latest; and whether its author's clock contradicts."""
    seen = stream.known_by(placed.stored.hash)
    bundle = proven.bundle
    if seen is not None:
        hub, at_ms = seen.hub, seen.at_ms
    elif proven.standings[bundle.exporter].role == HUB_ROLE:
        hub, at_ms = bundle.exporter, bundle.at_ms
    else:
        return "no hub witnessed it"
    words = f"known to {names.key(hub)} by {moment(at_ms)}"
    if placed.entry is not None and placed.entry.corrected_ms > at_ms:
        words += ", before its author's clock says that it was written"
    return words


def _time_logs(state: StreamState, names: Names) -> Iterator[str]:
    """What counts of a day's logs, as far as the day alone tells."""
    workers = {
        subject
        for subject in (
            *names.by_stream,
            *(s.subject for s in names.standings.values() if s.role == Role.WORKER),
        )
        if is_day_of(state.stream, subject)
    }
    for worker in workers:
        logs = logs_of(state, worker)
        moments = [m for read in logs for m in (read.log.start, read.log.stop) if m is not None]
        known_ms = max((each.corrected_ms for each in moments), default=0)
        try:
            found = counted(
                [read.log for read in logs], spans(duties_of(state), known_ms), known_ms
            )
        except TimeLogError as error:
            yield f"  Time logs of {names.subject(worker)} can't be counted: {error}"
            continue
        yield f"  Time that counts for {names.subject(worker)}, as far as this day alone tells"
        total_s = 0
        for interval in found.intervals:
            seconds = interval.duration_ms // 1000
            total_s += seconds
            job = f", job {names.subject(interval.job)}" if interval.job else ""
            flags = "".join(f", {flag}" for flag in sorted(interval.flags))
            kind = interval.kind.name.lower().replace("_", " ")
            span = f"{moment(interval.start_ms)} to {moment(interval.stop_ms)[11:]}"
            source = interval.source.name.lower()
            yield f"      {span}  {_span(seconds)}  {kind}, {source}{job}{flags}"
        yield f"      together {_span(total_s)}"


def _span(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


# --- the end


def _end(proven: Proven, doubts: list[Doubt], names: Names) -> Iterator[str]:
    if doubts:
        yield "In doubt"
        for doubt in doubts:
            where = f" in {stream_name(doubt.stream, names)}" if doubt.stream else ""
            yield f"  {doubt.kind}{where}: {doubt.words}"
    else:
        yield "Nothing is missing as far as a bundle can show, and nothing is in doubt."
    yield (
        "Not proven: that what people wrote is true, that clocks were right, and that "
        f"{names.key(proven.bundle.exporter)} told all that it held."
    )
