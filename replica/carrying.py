"""Files carried by hand: making one for somebody, and what one that came has brought, in words.

What stands in a file is `core.log.carried`'s matter, how it travels the people's. Holds no files
and no command. Invariant: what is told of a file is what came of it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from core.dispatch.fields import Role
from core.log.carried import CarriedIn, CarriedOut, carry_in, carry_out
from core.sentence import say, say_n
from replica.receivers import NobodyToCarryTo, Receiver, phones_of, receiver_named, receivers
from replica.relaying import hub_called, is_for_hub, keep_for_hub
from replica.replica import Replica
from replica.shelf import ReplicaShelf

# What a file's name ends with, so that people and browsers know it again.
SUFFIX = ".carried"


def file_for(replica: Replica, receiver: Receiver) -> CarriedOut:
    """A file with all that the receiver is not known to hold; see `core.log.carried`."""
    return carry_out(ReplicaShelf(replica), receiver.certificate, replica.entropy(48))


def named_file_for_hub(replica: Replica) -> tuple[str, bytes]:
    """A file for this phone's hub, with a name for it. Raises NobodyToCarryTo, OverLimit."""
    receiver = receiver_named(replica, "")
    return name_of_file(receiver, replica.now_ms()), file_for(replica, receiver).data


def named_file_of_job(replica: Replica, job: bytes, colleague: bytes) -> tuple[str, bytes]:
    """The same of `file_of_job`."""
    receiver, made = file_of_job(replica, job, colleague)
    return name_of_file(receiver, replica.now_ms()), made.data


def file_of_job(replica: Replica, job: bytes, colleague: bytes) -> tuple[Receiver, CarriedOut]:
    """A small file with one job that was handed on, for a phone of the worker who has it now.

    With the job goes its customer, and nothing else: it is to fit into some QR codes. Of several
    phones of a worker it is for the one that was certified last.

    Raises:
        NobodyToCarryTo: no phone of theirs is known here, or the job is not theirs.
    """
    phones = [each for each in phones_of(replica) if each.certificate.subject == colleague]
    if not phones:
        raise NobodyToCarryTo(say("no phone of this colleague is known here; let this one sync"))
    receiver = max(phones, key=lambda each: each.certificate.session_until)
    shelf = ReplicaShelf(replica)
    if job not in shelf.shared(receiver.certificate):
        raise NobodyToCarryTo(say("the job is not this colleague's; hand it on first"))
    row = replica.store.db.execute("SELECT customer FROM job WHERE job = ?", (job.hex(),))
    (customer,) = row.fetchone()
    only = frozenset({job, bytes.fromhex(customer)})
    return receiver, carry_out(shelf, receiver.certificate, replica.entropy(48), only=only)


def take_file(replica: Replica, data: bytes) -> CarriedIn:
    """Take in a file that somebody carried here; see `core.log.carried`."""
    return carry_in(ReplicaShelf(replica), replica.identity.key, data)


def name_of_file(receiver: Receiver, at_ms: int) -> str:
    """What a file is called: for whom, and the day (UTC) on which it was made."""
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
    letters = "".join(letter if letter.isalnum() else "-" for letter in receiver.name)
    return f"for-{letters}-{day}{SUFFIX}"


def take_in_words(replica: Replica, data: bytes) -> str:
    """Take in a file, and say what it brought; a phone keeps one for a hub as it is."""
    if replica.identity.own.role == Role.WORKER and is_for_hub(replica, data):
        kept = keep_for_hub(replica, data)
        return say(
            "The file is for {hub}, and only that one can open it. This phone keeps it and gives "
            "it to {hub} by itself when they meet",
            hub=hub_called(replica, kept.receiver),
        )
    brought = take_file(replica, data)
    sender, count = sender_of(replica, brought), count_words(brought.entries)
    if not brought.refused:
        return say(
            "The file of {sender} brought {count}; all is saved here", sender=sender, count=count
        )
    kinds = ", ".join(sorted({name for _, name, _ in brought.refused}))
    return say(
        "The file of {sender} brought {count}, of which a part was refused ({kinds})",
        sender=sender,
        count=count,
        kinds=kinds,
    )


def count_words(entries: int) -> str:
    """So many entries, in words."""
    return say_n("{n:,} entry", "{n:,} entries", entries)


def sender_of(replica: Replica, brought: CarriedIn) -> str:
    """Whose file it was, in words."""
    named = {each.certificate.author: each.name for each in receivers(replica)}
    return named.get(brought.peer.author, say("another phone"))
