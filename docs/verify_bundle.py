"""Checks a bundle of Fieldlog with nothing but Python and the package `cryptography`.

    python verify_bundle.py BUNDLE SITEKEY       the site's public key, 64 hex digits

Written from docs/formats/bundle.md, entry.md and certificate.md alone, and independent of all other
code. Exit code 0: all holds; 1: it holds, with doubts; 2: called wrongly; 3: not proven.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class NotProven(Exception):
    """The bundle does not hold; the sentence says what."""


def need(holds, words):
    """Refuse the bundle unless `holds`."""
    if not holds:
        raise NotProven(words)


def hash_of(tag, *parts):
    """BLAKE2b of 32 bytes under a tag; numbers count as 8 bytes, big-endian."""
    data = b"".join(p.to_bytes(8, "big") if isinstance(p, int) else p for p in parts)
    return blake2b(data, digest_size=32, person=b"fieldlog." + tag).digest()


def need_signed(key, signature, data, what):
    """Refuse the bundle unless an Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise NotProven(f"{what} does not hold: it was changed") from None


class Reader:
    """Reads one value after another; whatever is not in the one canonical form is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        """The next bytes."""
        need(self.at + count <= len(self.data), "it ends inside a value")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count, least):
        """A number of so many bytes; one below `least` has a shorter form."""
        found = int.from_bytes(self.take(count), "big")
        need(found >= least, "not in canonical form")
        return found

    def value(self, depth=16):
        """The next value; lists and maps nest so deep at most."""
        byte = self.take(1)[0]
        if byte <= 0x7F or byte >= 0xE0:
            return byte if byte <= 0x7F else byte - 256
        if byte in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[byte]
        if 0xCC <= byte <= 0xCF:
            return self.number(1 << byte - 0xCC, (128, 2**8, 2**16, 2**32)[byte - 0xCC])
        if 0xD0 <= byte <= 0xD3:
            found = int.from_bytes(self.take(1 << byte - 0xD0), "big", signed=True)
            need(found < (-32, -(2**7), -(2**15), -(2**31))[byte - 0xD0], "not canonical")
            return found
        if 0xC4 <= byte <= 0xC6:
            return self.take(self.number(1 << byte - 0xC4, (0, 2**8, 2**16)[byte - 0xC4]))
        if 0xA0 <= byte <= 0xBF or 0xD9 <= byte <= 0xDB:
            long = byte >= 0xD9 and self.number(1 << byte - 0xD9, (32, 2**8, 2**16)[byte - 0xD9])
            try:
                return self.take(long or byte - 0xA0).decode("utf-8")
            except UnicodeDecodeError:
                raise NotProven("a text is no UTF-8") from None
        need(0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF, "a value of no allowed type")
        need(depth, "it nests too deep")
        long = byte >= 0xDC and self.number(2 << byte % 2, (16, 2**16)[byte % 2])
        if 0x90 <= byte <= 0x9F or byte in (0xDC, 0xDD):
            return [self.value(depth - 1) for _ in range(long or byte - 0x90)]
        pairs = [(self.value(0), self.value(depth - 1)) for _ in range(long or byte - 0x80)]
        need(all(type(key) is int for key, _ in pairs), "a map's keys are no numbers")
        need_ascending([key for key, _ in pairs], "a map's keys")
        return dict(pairs)


def unpack(data):
    """The one value that `data` is."""
    reader = Reader(data)
    found = reader.value()
    need(reader.at == len(data), "more bytes follow than belong to it")
    return found


def need_ascending(values, what):
    """Refuse the bundle unless each value is smaller than the next."""
    pairs = zip(values, values[1:], strict=False)
    need(all(one < other for one, other in pairs), f"{what} are not in order")


def fits(value, shape):
    """Whether a value is a number up to `shape`, bytes of such a length, or a list of such items.

    A tuple says what each item of a list is, a list what all are; else a function decides.
    """
    if isinstance(shape, int):
        return type(value) is int and 0 <= value <= shape
    if isinstance(shape, range):
        return isinstance(value, bytes) and len(value) in shape
    if callable(shape):
        return shape(value)
    shapes = (
        shape if isinstance(shape, tuple) or not isinstance(value, list) else shape * len(value)
    )
    return isinstance(value, list) and len(value) == len(shapes) and all(map(fits, value, shapes))


HUB, NUMBER, TIME = 3, 2**63 - 1, 253_402_300_800_000
KEY, SIGNATURE, SHORT = range(32, 33), range(64, 65), range(33)
SEAL = (KEY, NUMBER, range(32, 65 * 32, 32), SIGNATURE)
LOG = (KEY, range(0, 33, 32), lambda v: v is None or fits(v, NUMBER), [range(16_385)])
WITNESS = (KEY, TIME, [(NUMBER, NUMBER)], range(0, 33 * 32, 32), SIGNATURE)
BODY = (KEY, TIME, [range(1_025)], [KEY], [SEAL], [(range(12, 13), NUMBER, [LOG], [WITNESS])])
RIGHTS = [lambda value: isinstance(value, str)]
CERTIFICATE = (1, KEY, KEY, SHORT, 255, RIGHTS, TIME, SHORT, KEY, SIGNATURE)


def check_certificates(body, exporter):
    """Each certificate up to the site key; gives (role, subject) of each key."""
    found = []
    for data in body[2]:
        c = unpack(data)
        need(fits(c, CERTIFICATE) and c[0] == 1, "a certificate is none of format 1")
        need(c[1] == body[0], "a certificate is of another site")
        # Signed is the list without its last item: nine instead of ten, and 66 bytes less.
        need_signed(c[8], c[9], hash_of(b"cert", b"\x99", data[1:-66]), "a certificate")
        found.append(c)
    hubs = {c[2] for c in found if c[4] == HUB and c[8] == body[0]}
    issued = all(c[8] == body[0] or (c[8] in hubs and c[4] < HUB) for c in found)
    need(issued, "a certificate is of somebody who may not issue it")
    keys = {exporter}
    for stream in body[5]:
        keys |= {part[0] for part in stream[2] + stream[3]}
    named = {c[2] for c in found}
    need(keys <= named and set(body[3]) <= named, "a key has no certificate")
    need(named <= keys | {c[8] for c in found}, "a certificate is of nobody in the bundle")
    return {key: min((c[4], c[3]) for c in found if c[2] == key) for key in named}


def walk_logs(site, stream):
    """For each log of a stream its entries as (author, seq, hash, hash before)."""
    ends, runs = {}, []
    for author, before, _, entries in stream[2]:
        need(not before or ends.get(before, (b"",))[0] == author, "a log joins nothing")
        previous = before or hash_of(b"start", site, stream[0], author)
        seq, run = ends[before][1] if before else 0, []
        for entry in entries:
            seq, found = seq + 1, hash_of(b"entry", previous, entry)
            run.append((author, seq, found, previous))
            previous = found
        ends[previous] = (author, seq)
        runs.append(run)
    need_ascending([run[0][:3] for run in runs], "logs")
    return runs


def check_seals(body, walked):
    """Each log ends under a seal of its author, or where two logs at least go on from it."""
    needed, seals = 0, body[4]
    for stream, runs in zip(body[5], walked, strict=True):
        for (author, _, index, _), run in zip(stream[2], runs, strict=True):
            _, seq, end, _ = run[-1]
            followers = sum(other[0][3] == end for other in runs)
            need(followers != 1 and (followers > 0) == (index is None), "a log's end is missing")
            if index is not None:
                need(index <= needed and index < len(seals), "a log names no seal in turn")
                needed = max(needed, index + 1)
                need(seals[index][0] == author, "a log is under the seal of another author")
                leaves = {seals[index][2][at:][:32] for at in range(0, 64 * 32, 32)}
                leaf = hash_of(b"leaf", stream[0], seq, end)
                need(leaf in leaves, "a log's end is not what its author sealed")
    need(needed == len(seals), "a seal stands there for nothing")
    for at, (author, number, leaves, signature) in enumerate(seals):
        need(seals[at] not in seals[:at], "a seal stands twice")
        need_signed(author, signature, hash_of(b"seal", body[0], author, number, leaves), "a seal")


def check_witness(site, stream, runs, witness, roles):
    """A hub's signature over the ends that it held; gives their hashes."""
    hub, at, tips, path, signature = witness
    need_ascending(tips, "tips")
    here = {(log, entry[1]): entry[:3] for log, run in enumerate(runs) for entry in run}
    need(all(tuple(tip) in here for tip in tips), "a hub witnessed an entry that is not here")
    held = [here[tuple(tip)] for tip in tips]
    need(roles[hub][0] == HUB, "a witness is no hub's")
    rows = sorted(author + seq.to_bytes(8, "big") + found for author, seq, found in held)
    root = hash_of(b"tips", stream[0], *rows)
    for start in range(0, len(path), 32):
        root = hash_of(b"node", *sorted([root, path[start : start + 32]]))
    need_signed(hub, signature, hash_of(b"witness", site, hub, at, root), "a witness")
    return {found for _, _, found in held}


def heads_named(entry):
    """The heads that an entry names as seen or shown; None if it can't be read."""
    try:
        parts = unpack(entry)
    except NotProven:
        return None
    more = parts[1:2] if isinstance(parts, list) else []
    extras = more[0] if more and isinstance(more[0], dict) else {}
    version = extras.get(0, 1)
    if not (isinstance(parts, list) and parts and fits(version, 1) and version):
        return None
    rows = [row for key in (5, 6) if fits(row := extras.get(key), range(0, 16_385, 8))]
    return {row[at : at + 8] for row in rows for at in range(0, len(row), 8)}


def doubts_of(stream, runs, held, by_hub):
    """The kinds of doubt about one stream, each once for each place."""
    begins = [run[0][3] for run in runs]
    ends = {run[-1][2] for run in runs} - set(begins)
    named = [heads_named(entry) for log in stream[2] for entry in log[3]]
    hashes = {entry[2][:8] for run in runs for entry in run}
    doubts = ["waiting"] * (stream[1] > 0) + ["unwitnessed"] * (not by_hub and ends not in held)
    doubts += ["fork"] * sum(begins.count(place) > 1 for place in set(begins))
    doubts += ["unreadable"] * named.count(None)
    return doubts + ["gap"] * len(set().union(*filter(None, named)) - hashes)


def verify(data, site):
    """Lines to read, and the kinds of doubts; raises NotProven where something does not hold."""
    need(104 <= len(data) <= 33_554_432 and data[:7] == b"FLPROOF", "this is no bundle")
    need(data[7] == 1, "the bundle is of another format")
    need_signed(data[8:40], data[-64:], hash_of(b"bundle", data[:-64]), "the bundle's signature")
    exporter, body = data[8:40], unpack(data[40:-64])
    need(fits(body, BODY), "the bundle is not of the form that it must have")
    streams = body[5]
    filled = all(s[2] and all(log[3] for log in s[2]) and all(w[2] for w in s[3]) for s in streams)
    need(streams and filled, "the bundle has an empty list where none may be")
    times = [[[w[1], w[0], w[4]] for w in stream[3]] for stream in streams]
    for values in (body[2], body[3], [stream[0] for stream in streams], *times):
        need_ascending(values, "certificates, revoked keys, streams or witnesses")
    need(body[0] == site, "the bundle is of another site")
    roles = check_certificates(body, exporter)
    walked = [walk_logs(site, stream) for stream in streams]
    check_seals(body, walked)
    made = f"made {time_words(body[1])} by {who(exporter, roles)}"
    lines, doubts = [made], ["revoked"] * len(body[3])
    for stream, runs in zip(streams, walked, strict=True):
        lines.append(f"stream {stream[0].hex()}")
        spans = [(run[0][1], run[-1][1], who(run[0][0], roles)) for run in runs]
        lines += [f"  entries {first} to {last} by {author}" for first, last, author in spans]
        held = [check_witness(site, stream, runs, witness, roles) for witness in stream[3]]
        for hub, at, tips, _, _ in stream[3]:
            ends = ", ".join(f"{seq} of {who(runs[log][0][0], roles)}" for log, seq in tips)
            lines.append(f"  held {time_words(at)} by {who(hub, roles)}: up to entry {ends}")
        doubts += doubts_of(stream, runs, held, roles[exporter][0] == HUB)
    return lines, sorted(doubts)


def time_words(at):
    """A moment in UTC, of the clock of whoever signed it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=min(at, TIME - 1))
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def who(key, roles):
    """A key with its role and whom it acts for."""
    role = {1: "worker", 2: "dispatcher", HUB: "hub"}.get(roles[key][0], "unknown")
    return f"{role} {roles[key][1].hex()} (key {key.hex()[:16]})"


def main(arguments):
    """Check the file that is named; the exit code."""
    try:
        path, key = arguments
        site, data = bytes.fromhex(key), Path(path).read_bytes()
    except (ValueError, OSError) as error:
        sys.stderr.write(f"usage: verify_bundle.py BUNDLE SITEKEY ({error})\n")
        return 2
    try:
        lines, doubts = verify(data, site)
    except NotProven as error:
        sys.stderr.write(f"NOT PROVEN: {error}\n")
        return 3
    lines += [f"DOUBT: {doubt}" for doubt in doubts]
    sys.stdout.write("\n".join([*lines, "PROVEN, with doubts" if doubts else "PROVEN"]) + "\n")
    return 1 if doubts else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
