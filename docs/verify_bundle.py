"""Checks a Fieldlog bundle (format 1) against the site's public key, as bundle.md says.

Call: verify_bundle.py BUNDLE SITE_KEY_HEX. Exits: 0 holds, 1 in doubt, 2 misused, 3 not proven."""

from __future__ import annotations

import sys
from collections import Counter, namedtuple
from datetime import datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from itertools import pairwise

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LARGEST, LATEST, DEEPEST, HUB = 33_554_432, 253_402_300_800_000, 16, 3
CONSTANTS, ROLES = {0xC0: None, 0xC2: False, 0xC3: True}, {1: "worker", 2: "dispatcher", 3: "hub"}
# first byte of a value: what follows, the bytes of its length, the smallest length for so many
LENGTHS = {0xC4: (bytes, 1, 0), 0xC5: (bytes, 2, 256), 0xC6: (bytes, 4, 65536)}
LENGTHS |= {0xD9: (str, 1, 32), 0xDA: (str, 2, 256), 0xDB: (str, 4, 65536), 0xDC: (list, 2, 16)}
LENGTHS |= {0xDD: (list, 4, 65536), 0xDE: (dict, 2, 16), 0xDF: (dict, 4, 65536)}
LENGTHS |= {0x80 + n: (dict, 0, n) for n in range(16)} | {0x90 + n: (list, 0, n) for n in range(16)}
LENGTHS |= {0xA0 + n: (str, 0, n) for n in range(32)}


class NotProven(ValueError):
    """The bundle does not prove what it says; the words tell why."""


def need(holds: bool, words: str) -> None:
    if not holds:
        raise NotProven(words)


def need_signed(key: bytes, signature: bytes, message: bytes, words: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise NotProven(f"the signature of {words} does not hold") from None


def ascending(values: list) -> bool:
    return all(one < other for one, other in pairwise(values))


class Reader(BytesIO):
    """Reads canonical msgpack; a ValueError for all that is not in its one form."""

    def take(self, count: int) -> bytes:
        taken = self.read(count)
        need(len(taken) == count, "it ends too early")
        return taken

    def value(self, depth: int):
        first = self.take(1)[0]
        if first < 0x80 or first >= 0xE0:
            return first if first < 0x80 else first - 256
        if first in CONSTANTS:
            return CONSTANTS[first]
        if 0xCC <= first <= 0xD3:
            size, signed = 1 << (first & 3), first >= 0xD0
            value = int.from_bytes(self.take(size), "big", signed=signed)
            edge = 1 << (4 * size - signed) if size > 1 else 32 if signed else 128
            need(value < -edge if signed else value >= edge, "a number is not in its shortest form")
            return value
        need(first in LENGTHS, f"no value begins with {first:02x}")
        kind, size, smallest = LENGTHS[first]
        length = int.from_bytes(self.take(size), "big") if size else smallest
        need(length >= smallest, "a length is not in its shortest form")
        if kind in (bytes, str):
            return self.take(length) if kind is bytes else self.take(length).decode()
        need(depth < DEEPEST, f"it nests more than {DEEPEST} deep")
        if kind is list:
            return [self.value(depth + 1) for _ in range(length)]
        both = [self.value(depth + 1) for _ in range(2 * length)]
        keys, values = both[::2], both[1::2]
        need(set(map(type, keys)) <= {int} and ascending(keys), "the keys of a map do not ascend")
        return dict(zip(keys, values, strict=True))


def fits(value, shape) -> bool:
    """Whether a value is of a shape of the grammar."""
    if type(shape) is int:  # a number, 0 to this
        return type(value) is int and 0 <= value <= shape
    if type(shape) is range:  # bytes, so many
        return type(value) is bytes and len(value) in shape
    if type(shape) is tuple:  # a list of just these parts
        return type(value) is list and len(value) == len(shape) and all(map(fits, value, shape))
    if type(shape) is list:  # a list: [the shape of each part, how many at least]
        long_enough = type(value) is list and len(value) >= shape[1]
        return long_enough and all(fits(part, shape[0]) for part in value)
    return shape in (object, type(value))


KEY, SIGNATURE, HASH_OR_EMPTY, COUNT = range(32, 33), range(64, 65), range(0, 33, 32), 2**63 - 1
SEAL = (KEY, COUNT, range(32, 64 * 32 + 1, 32), SIGNATURE)
LOG = (KEY, HASH_OR_EMPTY, object, [range(16_384 + 1), 1])
WITNESS = (KEY, LATEST, [(COUNT, COUNT), 1], range(0, 32 * 32 + 1, 32), SIGNATURE)
STREAM = (range(12, 13), COUNT, [LOG, 1], [WITNESS, 0])
BODY = (KEY, LATEST, [bytes, 0], [KEY, 0], [SEAL, 0], [STREAM, 1])
CERTIFICATE = (1, KEY, KEY, range(33), 255, [str, 0], LATEST, range(33), KEY, SIGNATURE)
Certificate = namedtuple("Certificate", "by_hub role author subject issuer")  # as they rank
Log = namedtuple("Log", "author before seal entries first last")


def tagged(tag: str, *pieces: bytes | int) -> bytes:
    row = b"".join(one if type(one) is bytes else one.to_bytes(8, "big") for one in pieces)
    return blake2b(row, digest_size=32, person=b"fieldlog." + tag.encode()).digest()


def hashes_of(row: bytes, size: int = 32) -> list[bytes]:
    return [row[start : start + size] for start in range(0, len(row), size)]


def read(data: bytes, shape, words: str):
    try:
        value = (reader := Reader(data)).value(0)
    except ValueError as error:
        raise NotProven(f"{words} is no canonical msgpack: {error}") from None
    need(reader.tell() == len(data) and fits(value, shape), f"{words} is not of the grammar")
    return value


def heads_of(entry: bytes) -> list[bytes] | None:
    """The heads that an entry names; None where it can't be read."""
    try:
        value = read(entry, [object, 1], "an entry")
    except NotProven:
        return None
    extras = value[1] if len(value) > 1 and type(value[1]) is dict else {}
    if repr(extras.get(0, 1)) != "1":  # by its form, as true equals 1
        return None
    rows = [row for row in (extras.get(5), extras.get(6)) if type(row) is bytes]
    return [head for row in rows if len(row) % 8 == 0 for head in hashes_of(row, 8)]


class Bundle:
    """What a bundle holds; to make one is to check all that must hold."""

    def __init__(self, data: bytes, site: bytes):
        need(data[:8] == b"FLPROOF\x01", "this is no bundle of format 1")
        need(8 + 32 + 1 + 64 <= len(data) <= LARGEST, "the bundle is too short or too long")
        self.site, self.exporter = site, data[8:40]
        need_signed(self.exporter, data[-64:], tagged("bundle", data[:-64]), "the exporter")
        body = read(data[40:-64], BODY, "the body")
        its_site, self.time, certificates, self.revoked, self.seals, streams = body
        orders = [certificates, self.revoked, [stream[0] for stream in streams]]
        for _, _, _, witnesses in streams:
            orders.append([(time, hub, signature) for hub, time, _, _, signature in witnesses])
            orders += [tips for _, _, tips, _, _ in witnesses]
        need(all(map(ascending, orders)), "a list does not ascend that should")
        need(its_site == site, "the bundle is of another site")
        self.certificates = [self.certificate(one) for one in certificates]
        self.lowest = {one.author: one for one in sorted(self.certificates, reverse=True)}
        self.check_certificates(streams)
        self.streams = [(one[0], one[1], self.join(one[0], one[2]), one[3]) for one in streams]
        self.check_seals()
        for identity, _, logs, witnesses in self.streams:
            for witness in witnesses:
                self.check_witness(identity, logs, *witness)

    def certificate(self, data: bytes) -> Certificate:
        need(len(data) <= 1_024, "a certificate is too long")
        value = read(data, CERTIFICATE, "a certificate")
        form, its_site, author, subject, role, _, _, _, issuer, signature = value
        need(form == 1 and its_site == self.site, "a certificate is of another kind")
        # signed is the list of nine without the signature: another head, and 66 bytes less
        need_signed(issuer, signature, tagged("cert", b"\x99", data[1:-66]), "a certificate")
        return Certificate(issuer != self.site, role, author, subject, issuer)

    def check_certificates(self, streams: list) -> None:
        certified, wanted = self.certificates, {self.exporter}
        hubs = {one.author for one in certified if one.role == HUB and one.issuer == self.site}
        for _, role, _, _, issuer in certified:
            good = issuer == self.site or role != HUB and issuer in hubs
            need(good, "one issued a certificate who may not")
        for _, _, logs, witnesses in streams:
            wanted |= {log[0] for log in logs} | {witness[0] for witness in witnesses}
        need(wanted <= set(self.lowest), "an exporter, author or hub has no certificate")
        while issuers := {one.issuer for one in certified if one.author in wanted} - wanted:
            wanted |= issuers
        good = set(self.revoked) <= set(self.lowest) <= wanted
        need(good, "a revoked key has no certificate, or nothing needs one that is there")

    def join(self, stream: bytes, rows: list) -> list[Log]:
        logs, ends, followers = [], {}, Counter(author + before for author, before, _, _ in rows)
        for author, before, seal, entries in rows:
            chain, hashed = before or tagged("start", self.site, stream, author), []
            need(not before or author + before in ends, "a log goes on from no log before it")
            first = ends[author + before] + 1 if before else 1
            for entry in entries:
                chain = tagged("entry", chain, entry)
                hashed.append((chain, entry))
            ends[author + chain] = last = first + len(entries) - 1
            logs.append(Log(author, before, seal, hashed, first, last))
        order = [(log.author, log.first, log.entries[0][0]) for log in logs]
        need(ascending(order), "the logs of a stream do not ascend")
        for log in logs:
            count = followers[log.author + log.entries[-1][0]]
            right = count > 1 if log.seal is None else count == 0 and type(log.seal) is int
            need(right, "a log has a seal where others go on from it, or none at an end")
        return logs

    def check_seals(self) -> None:
        sealed = [(one[0], log) for one in self.streams for log in one[2] if log.seal is not None]
        named = list(dict.fromkeys(log.seal for _, log in sealed))
        need(named == list(range(len(self.seals))), "seals are not as the logs name them")
        need(len(set(map(tuple, self.seals))) == len(self.seals), "a seal stands twice")
        for identity, log in sealed:
            author, _, leaves, _ = self.seals[log.seal]
            leaf = tagged("leaf", identity, log.last, log.entries[-1][0])
            need(author == log.author and leaf in hashes_of(leaves), "a seal misses its log's end")
        for author, count, leaves, signed in self.seals:
            need_signed(author, signed, tagged("seal", self.site, author, count, leaves), "a seal")

    def check_witness(self, stream, logs, hub, time, tips, path, signature) -> None:
        rows = []
        for index, seq in tips:
            need(index < len(logs), "a tip names a log that is not there")
            author, _, _, entries, first, last = logs[index]
            need(first <= seq <= last, "a tip names no entry of its log")
            rows.append(author + seq.to_bytes(8, "big") + entries[seq - first][0])
        root = tagged("tips", stream, *sorted(rows))
        for beside in hashes_of(path):
            root = tagged("node", *sorted((root, beside)))
        need_signed(hub, signature, tagged("witness", self.site, hub, time, root), "a witness")
        need(self.lowest[hub].role == HUB, f"the witness {hub.hex()} is no hub")

    def doubts(self) -> list[tuple[str, str]]:
        doubts = [("revoked", f"is the key of {self.name(key)}") for key in self.revoked]
        for identity, waiting, logs, witnesses in self.streams:
            where, gaps = f"in stream {identity.hex()}:", {}
            known = {own[:8] for log in logs for own, _ in log.entries}
            for author, own, entry in ((log.author, *one) for log in logs for one in log.entries):
                words, heads = f"{where} entry {own.hex()} of {author.hex()}", heads_of(entry)
                if heads is None:
                    doubts.append(("unreadable", words))
                gaps |= {head: words for head in heads or () if head not in known}
            doubts += [("gap", f"{words} names {head.hex()}") for head, words in gaps.items()]
            branches = Counter((log.author, log.before, log.first) for log in logs)
            for author, _, seq in (place for place, count in branches.items() if count > 1):
                doubts.append(("fork", f"{where} {author.hex()} wrote several entries at {seq}"))
            ends = [[index, log.last] for index, log in enumerate(logs) if log.seal is not None]
            if self.lowest[self.exporter].role != HUB and all(one[2] != ends for one in witnesses):
                doubts.append(("unwitnessed", f"{where} no hub witnessed exactly its ends"))
            if waiting:
                doubts.append(("waiting", f"{where} {waiting} entries had no seal yet"))
        return sorted(doubts)

    def name(self, key: bytes) -> str:
        _, role, _, subject, _ = self.lowest[key]
        subject = subject.decode() if subject.isalnum() else subject.hex()
        return f"{ROLES.get(role, 'unknown')} {subject} (key {key.hex()})"

    def at(self, time: int, key: bytes) -> str:
        when = datetime(1970, 1, 1) + timedelta(milliseconds=min(time, LATEST - 1))
        return f"at {when.isoformat(' ', 'milliseconds')} UTC of its clock {self.name(key)}"

    def tell(self) -> None:
        print(f"Proven: {self.at(self.time, self.exporter)}\n  held exactly this of these streams")
        for identity, _, logs, witnesses in self.streams:
            print(f"Stream {identity.hex()}")
            for index, log in enumerate(logs):
                print(f"  Log {index}: {self.name(log.author)}")
                print(f"    wrote exactly these entries, {log.first} to {log.last}, in this order")
            for hub, time, tips, _, _ in witnesses:
                held = ", ".join(f"log {log} up to entry {seq}" for log, seq in tips)
                print(f"  Witness: {self.at(time, hub)}\n    held exactly {held}")


def verify(data: bytes, site: bytes) -> list[tuple[str, str]]:
    """The doubts that a bundle leaves, as (kind, words); raises NotProven."""
    return Bundle(data, site).doubts()


def main(arguments: list[str]) -> int:
    try:
        path, key = arguments
        site = bytes.fromhex(key)
        need(len(site) == 32, "a key has 32 bytes")
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except (ValueError, OSError) as error:
        print(f"{error}\n{__doc__}", file=sys.stderr)
        return 2
    try:
        bundle = Bundle(data, site)
    except NotProven as error:
        print(f"Not proven: {error}.")
        return 3
    bundle.tell()
    doubts = bundle.doubts()
    for kind, words in doubts or [("Nothing", "is in doubt.")]:
        print(kind, words)
    return 1 if doubts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
