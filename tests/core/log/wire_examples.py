"""The messages that docs/formats/wire.md shows in hex, as values."""

from __future__ import annotations

from core.log.chunk_list import list_of
from core.log.file_messages import Chunk, Fetch, FileList, Held, NoFile, Offer
from core.log.messages import (
    Ack,
    Agreed,
    Check,
    Compare,
    Hello,
    Leave,
    Left,
    Message,
    Presence,
    Proof,
    Refuse,
    Run,
    Runs,
    State,
    StreamHeads,
    WireSeal,
)
from core.log.relay import relay_name
from core.log.relay_messages import Relay, Relayed, TimeAsked, TimeTold
from core.log.tree import Split

JOB = bytes.fromhex("0b99541004") + b"boiler1"
DAY = bytes.fromhex("0b98f20005") + b"ana-day"
AUTHOR = b"A" * 32
OTHER = b"B" * 32
BRANCH = b"f" * 32
# What the page says of a file: one chunk of 65,536 letters, and a second of five.
FILE = b"a" * 65_536 + b"photo"
LIST = list_of(FILE)

EXAMPLES: dict[str, Message] = {
    "hello": Hello((1,), b"S" * 32, b"N" * 16, (b"own certificate", b"its issuer's")),
    "hello of one who takes files": Hello((1, 2), b"S" * 32, b"N" * 16, (b"own certificate",)),
    "hello of one who carries for others": Hello(
        (1, 2, 3), b"S" * 32, b"N" * 16, (b"own certificate",)
    ),
    "proof": Proof(b"P" * 64),
    "state": State(b"generA01", b"generB02", 4_711, b"D" * 16, 12),
    "state of one who never met the other": State(b"generA01", b"", 0, b"D" * 16, 12),
    "runs": Runs(
        2,
        4_713,
        (OTHER,),
        (WireSeal(0, 120, (), b"s" * 64), WireSeal(1, 7, (1, (3, 1), b"L" * 32), b"t" * 64)),
        (
            Run(JOB, 0, 3, (bytes.fromhex("930046a178"), bytes.fromhex("930046a179"))),
            Run(DAY, 1, 1, (bytes.fromhex("93006301"),)),
            Run(JOB, 0, 9, (bytes.fromhex("93006302"),), b"before 9"),
            Run(JOB, 1, 1, (bytes.fromhex("93006303"), bytes.fromhex("93006304"))),
        ),
    ),
    "runs that only say that all was sent": Runs(3, 4_713, (), (), ()),
    "ack": Ack(2),
    "ack that refuses": Ack(2, ((1, "gap", "send it from further back"),)),
    "check": Check(b"D" * 16, 12),
    "agreed": Agreed(),
    "agreed to differ": Agreed(same=False),
    "compare": Compare(0, True, (Split("", "0b9", {"8": b"D" * 16, "9": b"E" * 16}),)),
    "compare that tells heads": Compare(
        3,
        True,
        (),
        ("0b995410", "0b98f2"),
        (
            StreamHeads(JOB, ((AUTHOR, b"", 2, b"shared-2"), (AUTHOR, BRANCH, 3, b"branch-3"))),
            StreamHeads(DAY, ()),
        ),
    ),
    "compare that has nothing to add": Compare(4, True),
    "leave": Leave((JOB, DAY)),
    "left": Left((JOB,)),
    "refuse": Refuse("wrong-site", "the peer belongs to another site"),
    "presence": Presence({0: 1_772_434_800_000, 1: 601_700_000, 2: 249_400_000, 5: None}),
    "offer": Offer((LIST.address, b"another file's address, 32 bytes")),
    "held": Held((LIST.address,)),
    "fetch: the list": Fetch(LIST.address, 0, 1),
    "fetch: both chunks": Fetch(LIST.address, 1, 2),
    "list": FileList(LIST.address, LIST.to_bytes()),
    "chunk": Chunk(LIST.address, 2, b"photo"),
    "no file": NoFile(LIST.address),
    "relay": Relay(relay_name(b"sealed to a hub"), 15, 7, b"to a hub"),
    "relayed in part": Relayed(relay_name(b"sealed to a hub"), 7),
    "relayed, and not taken": Relayed(relay_name(b"sealed to a hub"), 15, "no room"),
    "time asked": TimeAsked(5_000_000),
    "time told": TimeTold(5_000_000, 1_772_434_800_000),
}
